"""Stages: any sequence of constant and linear pieces, as data.

    ▲    ┌───┐
    │  / │   │ \\
    │/       └───
    └────────────▶
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate

from shapes.piecewise import Piecewise, Stage


def stages(pieces: Iterable[tuple[float, float, float]]) -> Piecewise:
    """`pieces` are (seconds, first rate, last rate), one after the other; rates in arrivals/s.

    Raises ValueError.
    """
    pieces = tuple(pieces)
    untils = accumulate(seconds for seconds, _, _ in pieces)
    return Piecewise(
        tuple(Stage(until, start, end) for until, (_, start, end) in zip(untils, pieces, strict=True))
    )
