"""A straight line through points by least squares, and how sure its slope is."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np

from verdicts.compare.student_t import quantile
from verdicts.run.run import Floats

FEWEST: Final = 4  # points
MOVED: Final = 10.0  # what x must span at least


class Line(NamedTuple):
    """y = at_zero + slope x by least squares; `margin`: half the slope's 95 % interval."""

    slope: float
    margin: float
    at_zero: float


def fitted(x: Floats, y: Floats) -> Line:
    """A line through points; NaN where x hardly moved or there are less than four."""
    if x.size < FEWEST or np.ptp(x) < MOVED:
        return Line(math.nan, math.nan, math.nan)
    spread = float(((x - x.mean()) ** 2).sum())
    slope = float(((x - x.mean()) * (y - y.mean())).sum()) / spread
    at_zero = float(y.mean() - slope * x.mean())
    rest = y - (at_zero + slope * x)
    freedom = x.size - 2
    error = math.sqrt(float((rest**2).sum()) / freedom / spread)
    return Line(slope, quantile(0.975, freedom) * error, at_zero)
