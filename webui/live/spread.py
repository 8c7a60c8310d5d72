"""Percentiles of durations, bin by bin, in fixed memory, whatever the order in which they come.

Values are counted in steps of 1 %, each at the upper end of its step, never over the bin's largest value.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

LEAST: Final = 0.01  # ms: what is less counts as that
STEP: Final = float(np.log(1.01))
STEPS: Final = int(np.log(3_600_000 / LEAST) / STEP) + 1  # up to an hour
SHARES: Final = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


class Spread:
    """Durations in milliseconds by the number of their bin."""

    def __init__(self) -> None:
        self._counts: dict[int, NDArray[np.int64]] = {}
        self._most: dict[int, float] = {}
        self._known: dict[int, dict[str, float]] = {}  # of bins that have not changed since

    def add(self, bins: NDArray[np.int64], values: NDArray[np.float64]) -> None:
        """Count values; `bins` has the bin of each."""
        steps = (np.log(np.maximum(values, LEAST) / LEAST) / STEP).astype(np.int64).clip(0, STEPS - 1)
        order = np.argsort(bins, kind="stable")
        for begin, end in pairwise([*np.flatnonzero(np.diff(bins[order], prepend=-1)), len(order)]):
            mine = order[begin:end]
            self._add(int(bins[mine[0]]), steps[mine], float(values[mine].max()))

    def _add(self, number: int, steps: NDArray[np.int64], most: float) -> None:
        if number not in self._counts:
            self._counts[number] = np.zeros(STEPS, np.int64)
        self._counts[number] += np.bincount(steps, minlength=STEPS)
        self._most[number] = max(self._most.get(number, 0.0), most)
        self._known.pop(number, None)

    def percentiles(self, number: int) -> dict[str, float]:
        """Each of SHARES of one bin, in milliseconds; empty where nothing was counted."""
        if number in self._counts and number not in self._known:
            upto, most = np.cumsum(self._counts[number]), self._most[number]
            steps = np.searchsorted(upto, [share * upto[-1] for share in SHARES.values()])
            ends = (LEAST * np.exp((steps + 1) * STEP)).clip(max=most)
            self._known[number] = dict(zip(SHARES, ends.round(3).tolist(), strict=True))
        return self._known.get(number, {})
