"""Rests of a run: spans in which no call is under way, between one wave of load and the next.

What stands then is nobody's at the moment. The lowest reading of a rest's second half is its level: what had
to be given back had the first half for it, and what comes and goes (a health check, a collector of garbage)
only adds to the lowest.
"""

from __future__ import annotations

from functools import cache
from typing import Final, NamedTuple

import numpy as np

from verdicts.run.reading import Floats, Run

SHORTEST: Final = 2.0  # seconds: a shorter gap is no rest


class Rest(NamedTuple):
    """From the last answer before it to the next call; `calls`: scheduled ones, sent until then."""

    start: float
    end: float
    calls: int

    @property
    def middle(self) -> float:
        """Where its second half begins."""
        return (self.start + self.end) / 2

    def level(self, t: Floats, values: Floats) -> float:
        """The lowest reading of the second half; NaN where there is none."""
        first, last = np.searchsorted(t, (self.middle, self.end))
        return float(values[first:last].min()) if last > first else float("nan")


@cache
def of(run: Run) -> tuple[Rest, ...]:
    """Every rest after a call and before another."""
    sent, done = (run.samples[name].of(run.out) for name in ("sent", "done"))
    start, end = np.asarray(sent, np.float64), np.asarray(done, np.float64)
    if not start.size:
        return ()
    order = np.argsort(start, kind="stable")
    start, busy = start[order], np.fmax.accumulate(end[order])
    scheduled = np.sort(np.asarray(run.samples["sent"].of(run.sent), np.float64))
    gaps = np.flatnonzero(start[1:] - busy[:-1] >= SHORTEST)
    calls = np.searchsorted(scheduled, busy[gaps], side="right")
    found = zip(busy[gaps].tolist(), start[gaps + 1].tolist(), calls.tolist(), strict=True)
    return tuple(Rest(*one) for one in found if one[2])
