"""Straight lines through scrapes, by least squares."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np

from verdicts.run.reading import Floats
from verdicts.student_t import quantile

MIN_POINTS: Final = 4
MIN_RANGE: Final = 10.0  # of x: one that hardly moved has no slope


class Line(NamedTuple):
    """y = at_zero + slope x; `margin`: half the slope's interval."""

    slope: float
    margin: float
    at_zero: float


def fitted(x: Floats, y: Floats, confidence: float = 0.95) -> Line:
    """A line through points; NaN where x hardly moved or there are less than four.

    `confidence` of the slope's interval, if the points lie around a line apart from each other, alike far.
    """
    if x.size < MIN_POINTS or np.ptp(x) < MIN_RANGE:
        return Line(math.nan, math.nan, math.nan)
    steep = slope(x, y)
    at_zero = float(y.mean() - steep * x.mean())
    rest = y - (at_zero + steep * x)
    free, spread = x.size - 2, float(((x - x.mean()) ** 2).sum())
    error = math.sqrt(float((rest**2).sum()) / free / spread)
    return Line(steep, quantile((1 + confidence) / 2, free) * error, at_zero)


def slope(x: Floats, y: Floats) -> float:
    """The slope of y over x; 0 where x never changes."""
    spread = x - x.mean()
    square = float(spread @ spread)
    return float(spread @ (y - y.mean())) / square if square else 0.0
