"""Counts of single seconds added up since the start: what a database that keeps counters is told.

A counter's value at a time never changes once it is told, and times only go on: so what comes late for its
second counts in the next one. Each counter begins with a zero, or its first step could not be seen.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Key = TypeVar("Key")
Row = NDArray[np.float64]


class SoFar(Generic[Key]):
    """Sums by key."""

    def __init__(self) -> None:
        self._open: dict[int, dict[Key, Row]] = {}
        self._sums: dict[Key, Row] = {}
        self._begun: set[Key] = set()
        self._told = -math.inf
        self._late = False  # something counts that no point has told yet

    def add(self, second: int, key: Key, row: Row) -> None:
        """Count `row` in `second`."""
        rows = self._open.setdefault(second, {})
        rows[key] = rows[key] + row if key in rows else row

    def closed(self, mark: float) -> Iterator[tuple[float, Key, Row]]:
        """(time, key, sum until then) of every key, at the end of each second that was over at `mark`."""
        for second in sorted(one for one in self._open if one + 1 <= mark):
            for key, row in self._open.pop(second).items():
                self._sums[key] = self._sums[key] + row if key in self._sums else row
            self._late = second + 1 <= self._told
            if not self._late:
                yield from self._tell(second + 1)
        if self._late and mark == math.inf:
            yield from self._tell(self._told + 1)

    def _tell(self, t: float) -> Iterator[tuple[float, Key, Row]]:
        self._told, self._late = t, False
        for key, row in self._sums.items():
            if key not in self._begun:
                self._begun.add(key)
                yield t - 1, key, row * 0
            yield t, key, row
