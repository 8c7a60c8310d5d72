"""Requests that may be sent again: at most one point of a series in each, in the order of its points.

A store that keeps series takes the last point of one again, and refuses an older one. So whichever request is
repeated, as they go out in order, changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

Point = TypeVar("Point")


def turns(points: Iterable[Point], series: Callable[[Point], Hashable]) -> list[list[Point]]:
    """Batches in which no series comes twice: the first point of each, then the second of each, and so on."""
    batches: list[list[Point]] = []
    seen: dict[Hashable, int] = {}
    for point in points:
        key = series(point)
        turn = seen[key] = seen.get(key, -1) + 1
        if turn == len(batches):
            batches.append([])
        batches[turn].append(point)
    return batches
