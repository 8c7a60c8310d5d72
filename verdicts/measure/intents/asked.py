"""Calls of tools that asked their user first (`input_required`), and what became of the answers."""

from __future__ import annotations

import numpy as np

from telemetry.recording.sample import Outcome, of_intent
from verdicts.measure.calls import outcomes
from verdicts.run.reading import Mask, Run

ASKED = "input_required"


def served(run: Run) -> Mask:
    """Scheduled calls that were asked something, were answered, and the answer had success."""
    asked = run.arrivals & outcomes.failed_by(run, (ASKED,))
    if not asked.any():
        return asked
    index = run.samples["index"]
    answers = run.became(Outcome.OK) & (index < -1) & (run.samples["attempt"] == 1) & ~run.retries
    mine = np.isin(index.whole(), of_intent(0) - index[answers])
    found: Mask = asked & mine
    return found
