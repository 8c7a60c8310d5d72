"""Waves: the same rate again and again, with rests in which nothing arrives.

rate ▲ ┌────┐    ┌────┐    ┌──
     │ │    │    │    │    │
   0 │─┘    └────┘    └────┘
     └──────▲────▲──────────▶ duration
         length  length + rest
"""

from __future__ import annotations

import math
from itertools import pairwise

from shapes.base import MAX_DURATION, check_duration, number
from shapes.piecewise import Piecewise, Stage

MAX_WAVES = 1000


def waves(rate: float, length: float, rest: float, duration: float) -> Piecewise:
    """`rate` arrivals/s for `length` seconds, none for `rest`, from the start on until `duration`.

    Raises ValueError, also for more than MAX_WAVES.
    """
    period = number("length", length, 0, MAX_DURATION) + number("rest", rest, 0, MAX_DURATION)
    if check_duration(duration) > MAX_WAVES * period:
        raise ValueError(f"more than {MAX_WAVES:,} waves, allowed: as many at most")
    count = math.ceil(duration / period) if duration else 0
    ends = [end for k in range(count) for end in (k * period + length, (k + 1) * period)]
    cut = [min(end, duration) for end in ends]
    levels = (rate, 0.0)
    return Piecewise(
        tuple(
            Stage(end, levels[k % 2], levels[k % 2])
            for k, (begin, end) in enumerate(pairwise([0.0, *cut]))
            if end > begin
        )
    )
