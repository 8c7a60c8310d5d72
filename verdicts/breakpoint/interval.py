"""Between which rates a breakpoint lies, with 95 % of certainty, by all trials of its search.

Near its breakpoint a target holds by luck: now it passes at a rate, now it fails. So the breakpoint is the
rate at which it would pass every other time, and the chance to pass falls around it as a logistic curve in
the logarithm of the rate:

    P(pass at r) = 1 / (1 + (r / breakpoint) ** (1 / width))

Both are unknown: the breakpoint may be any rate that was tried or a factor of 2 beyond, the width 0.3 % to
20 % of it, each alike on its logarithm. The interval has what is left of that when the trials are known,
without 2.5 % at either end (Bayes' rule, on a grid).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

import numpy as np

WIDTHS: Final = np.geomspace(0.003, 0.2, 25)
BEYOND: Final = 2.0
STEPS: Final = 1200
TAIL: Final = 0.025


class Interval(NamedTuple):
    """Arrivals a second."""

    least: float
    most: float

    def __str__(self) -> str:
        return f"{self.least:.3g} to {self.most:.3g}"


def interval(trials: Iterable[tuple[float, bool]]) -> Interval | None:
    """Of (rate, passed); None unless both happened: then no trial bounds it on one side."""
    known = list(trials)
    rates, passed = np.array([rate for rate, _ in known]), np.array([held for _, held in known], dtype=bool)
    if passed.all() or not passed.any():
        return None
    points = np.geomspace(rates.min() / BEYOND, rates.max() * BEYOND, STEPS)
    above = np.log(rates[:, None, None] / points[None, :, None]) / WIDTHS[None, None, :]
    signed = np.where(passed[:, None, None], above, -above)
    logs = -np.logaddexp(0.0, signed).sum(axis=0)
    weights = np.exp(logs - logs.max()).sum(axis=1)
    share = np.cumsum(weights) / weights.sum()
    least, most = (float(np.interp(part, share, points)) for part in (TAIL, 1 - TAIL))
    return Interval(least, most)
