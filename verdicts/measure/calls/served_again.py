"""When each account was served again after an event, by its own calls.

An account is hit if a call of its that was planned at or after the event failed, refusals aside. It is served
again with the first success among the calls that were sent after its last failure: from then on none failed.
Judged groups alone.
"""

from __future__ import annotations

import numpy as np

from telemetry.recording.sample import Outcome
from verdicts.measure.calls import outcomes
from verdicts.run.reading import Floats, Mask, Run


def seconds(run: Run, event: float) -> Floats:
    """From the event to the first success of each account that was hit; infinite where none came."""
    samples = run.samples
    after = sent_after(run, event)
    failed, ok = after & outcomes.errors(run), after & run.became(Outcome.OK)
    hit = np.unique(samples["account"][failed])
    return np.array([_served(run, failed & own, ok & own) - event for own in _each(run, hit)], np.float64)


def sent_after(run: Run, event: float) -> Mask:
    """The judged calls that were planned at or after the event."""
    after: Mask = run.sent & run.judged & (run.samples["planned"] >= event)
    return after


def _each(run: Run, accounts: np.ndarray) -> list[np.ndarray]:
    return [run.samples["account"] == account for account in accounts]


def _served(run: Run, failed: np.ndarray, ok: np.ndarray) -> float:
    last = float(run.samples["sent"][failed].max())
    return float(run.samples["done"][ok & (run.samples["sent"] > last)].min(initial=np.inf))
