"""A rate that rises or falls linearly.

end   ▲      /
      │   /
start │/
      └──────▶ duration
"""

from __future__ import annotations

from shapes.piecewise import Piecewise, Stage


def ramp(start: float, end: float, duration: float) -> Piecewise:
    """From `start` to `end` arrivals/s in `duration` seconds: (start + end) / 2 · duration arrivals.

    Raises ValueError.
    """
    return Piecewise((Stage(duration, start, end),))
