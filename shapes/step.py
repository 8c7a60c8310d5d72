"""A staircase: equal times at equally spaced rates, to see by eye where a target gives way.

to   ▲         ┌──
     │      ┌──┘
     │   ┌──┘
from │───┘
     └────────────▶ duration
"""

from __future__ import annotations

from shapes.base import whole
from shapes.piecewise import Piecewise, Stage

MAX_STEPS = 1000


def step(start: float, end: float, steps: int, duration: float) -> Piecewise:
    """`steps` levels from `start` to `end` arrivals/s, each for duration / steps seconds.

    One step stays at `start`. Raises ValueError.
    """
    steps = whole("steps", steps, 1, MAX_STEPS)
    rise = (end - start) / max(steps - 1, 1)
    levels = [start + rise * level for level in range(steps)]
    untils = [duration * (level + 1) / steps for level in range(steps - 1)]
    return Piecewise(tuple(map(Stage, [*untils, duration], levels, levels)))
