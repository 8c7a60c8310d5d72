"""A spike: a low rate, all at once a high one, then the low one again.

peak ▲      ┌──┐
     │      │  │
base │──────┘  └──────
     └──────▲──▲──────▶ duration
            at at + length
"""

from __future__ import annotations

from shapes.base import MAX_DURATION, number
from shapes.piecewise import Piecewise, Stage


def spike(base: float, peak: float, at: float, length: float, duration: float) -> Piecewise:
    """`base` arrivals/s but for `peak` in [at, at + length) seconds.

    The spike has to begin within `duration`, and is cut off there. Raises ValueError.
    """
    begin = number("at", at, 0, duration)
    end = min(begin + number("length", length, 0, MAX_DURATION), duration)
    return Piecewise((Stage(begin, base, base), Stage(end, peak, peak), Stage(duration, base, base)))
