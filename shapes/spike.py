"""A spike: a low rate, all at once a high one, then the low one again.

peak ▲      ┌──┐
     │      │  │
base │──────┘  └──────
     └──────▲──▲──────▶ duration
            at at + length
"""

from __future__ import annotations

from shapes.base import number
from shapes.piecewise import Piecewise, Stage


def spike(base: float, peak: float, at: float, length: float, duration: float) -> Piecewise:
    """`base` arrivals/s but for `peak` in [at, at + length) seconds; the spike lies within `duration`.

    Raises ValueError.
    """
    at = number("at", at, 0, duration)
    end = at + number("length", length, 0, duration)
    if end > duration * (1 + 1e-12):
        raise ValueError(f"the spike ends at {end:g} s, after the schedule at {duration:g} s")
    return Piecewise(
        (Stage(at, base, base), Stage(min(end, duration), peak, peak), Stage(duration, base, base))
    )
