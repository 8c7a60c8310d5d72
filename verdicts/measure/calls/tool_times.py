"""A tool's own time at each call: what it takes with nobody else about, seconds.

By the call's `Server-Timing`; where the target does not tell it, by the quiet before load, in which a run
calls the slow tools (`quiet` of `run.json`).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from verdicts.run.reading import Floats, Run
from verdicts.run.samples import Column, Records

NAN: Final = float("nan")


def of_calls(run: Run) -> Column:
    """NaN where nobody tells it."""
    quiet = np.array([run.manifest.quiet.get(label, NAN) for label in run.manifest.tools] or [NAN])

    def own(part: slice, records: Records) -> Floats:
        told: Floats = records["upstream_s"].astype(np.float64)
        places = np.minimum(records["tool"], len(quiet) - 1)
        seconds: Floats = np.where(np.isnan(told), quiet[places], told)
        return seconds

    return run.samples.derived(own)
