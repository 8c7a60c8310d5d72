"""Stages: any sequence of constant and linear pieces, as data.

    ▲    ┌───┐
    │  / │   │ \\
    │/       └───
    └────────────▶
"""

from __future__ import annotations

from collections.abc import Iterable

from shapes.base import MAX_DURATION, number
from shapes.piecewise import Piecewise, Stage


def stages(pieces: Iterable[tuple[float, float, float]], duration: float) -> Piecewise:
    """`pieces` are (seconds, first rate, last rate), one after the other; rates in arrivals/s.

    What is planned after `duration` seconds is cut off; pieces that end before it leave the last rate in
    force (0 without a piece). Raises ValueError.
    """
    begin, level, laid = 0.0, 0.0, list[Stage]()
    for seconds, start, end in pieces:
        until = begin + number("seconds", seconds, 0, MAX_DURATION)
        cut = min(1.0, (duration - begin) / seconds) if seconds else 1.0
        if begin < duration:
            laid.append(Stage(min(until, duration), start, start + (end - start) * cut))
        begin, level = until, end
    if begin < duration or not laid:
        laid.append(Stage(duration, level, level))
    return Piecewise(tuple(laid))
