"""Stages: any sequence of constant and linear pieces, as data.

    ▲    ┌───┐
    │  / │   │ \\
    │/       └───
    └────────────▶
"""

from __future__ import annotations

from collections.abc import Iterable

from shapes.base import MAX_DURATION, check_duration, number
from shapes.piecewise import Piecewise, Stage

_ROUNDING = 1e-9  # of a sum of seconds such as 0.1 + 0.2


def stages(pieces: Iterable[tuple[float, float, float]], duration: float) -> Piecewise:
    """`pieces` are (seconds, first rate, last rate), one after the other; rates in arrivals/s.

    What is planned after `duration` seconds is cut off. Raises ValueError, also for pieces that end before
    it: what the rate is then would be a guess.
    """
    begin, duration, laid = 0.0, check_duration(duration), list[Stage]()
    for seconds, start, end in pieces:
        until = begin + number("seconds", seconds, 0, MAX_DURATION)
        if abs(until - duration) <= _ROUNDING * duration:
            until = duration
        cut = min(1.0, (duration - begin) / seconds) if seconds else 1.0
        if begin < duration:
            laid.append(Stage(min(until, duration), start, start + (end - start) * cut))
        begin = until
    if begin < duration:
        raise ValueError(
            f"the stages last {begin:g} s in all, and must last at least the run's {duration:g} s"
        )
    return Piecewise(tuple(laid))
