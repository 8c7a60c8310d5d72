"""Arrivals of a rate that is linear in pieces: the mechanism of every schedule but Poisson.

With A(t) the integral of the rate from 0 to t, arrival i is planned at the inverse of A at i:

    rate ▲      /▔▔▔▔\\             A(t) = a·x + s·x²/2 within a stage (x = t − its begin,
         │    /        \\                   a = its first rate, s = its slope), hence
         │  /            \\            x = 2n / (a + √(a² + 2·s·n)),  n = i − A(begin)
         └──────────────────▶ t

That form of the quadratic's root neither cancels nor divides by the slope. Where A stands still (a
stage of rate 0) the inverse is taken at its end: nothing arrives before the rate rises again.
An integral within 1e-9 (relative) of a whole number is taken for that number, so that a rate of 0.1
for 30 s gives 3 arrivals whatever binary fractions make of 0.1.

Only +, −, ·, / and √ are used, which IEEE 754 rounds alike everywhere: same bits on each machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import ceil
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shapes.base import Offsets, check_count, check_duration, check_index, check_rate

_WHOLE = 1e-9


class Stage(NamedTuple):
    """The rate goes linearly from `start` to `end` (arrivals/s), from the stage before to `until` (s)."""

    until: float
    start: float
    end: float


class _Table(NamedTuple):
    """One row a stage that lasts: begin (s), first rate, slope (arrivals/s²), arrivals planned before it."""

    begin: Offsets
    start: Offsets
    slope: Offsets
    before: Offsets
    total: float


@dataclass(frozen=True)
class Piecewise:
    """Implements `shapes.base.Shape` for a rate that is linear in stages; they follow each other from 0."""

    stages: tuple[Stage, ...]

    def __post_init__(self) -> None:
        begin = 0.0
        for stage in self.stages:
            if check_duration(stage.until) < begin:
                raise ValueError(f"a stage ends at {stage.until:g} s, before it begins at {begin:g} s")
            check_rate(stage.start)
            check_rate(stage.end)
            begin = stage.until
        check_count(self._table.total)

    @property
    def duration(self) -> float:
        """Seconds; see `Shape`."""
        return self.stages[-1].until if self.stages else 0.0

    @cached_property
    def count(self) -> int:
        """See `Shape`."""
        count = ceil(self._table.total)
        while count and not self._inverse(np.array([count - 1.0]))[0] < self.duration:
            count -= 1
        return count

    def offset(self, i: int) -> float:
        """See `Shape`."""
        check_index(i, self.count)
        return float(self._inverse(np.array([float(i)]))[0])

    def offsets(self) -> Offsets:
        """See `Shape`."""
        return self._inverse(np.arange(self.count, dtype=np.float64))

    def rate(self, t: float) -> float:
        """See `Shape`; at a jump the rate after it."""
        if not 0 <= t < self.duration:
            return 0.0
        table = self._table
        row = int(np.searchsorted(table.begin, t, side="right")) - 1
        return max(0.0, float(table.start[row] + table.slope[row] * (t - table.begin[row])))

    @cached_property
    def _table(self) -> _Table:
        until = np.array([stage.until for stage in self.stages], dtype=np.float64)
        begin = np.concatenate([[0.0], until[:-1]])[: len(until)]
        lasts = until > begin
        begin, until = begin[lasts], until[lasts]
        start = np.array([stage.start for stage in self.stages], dtype=np.float64)[lasts]
        end = np.array([stage.end for stage in self.stages], dtype=np.float64)[lasts]
        sums = _to_whole(np.concatenate([[0.0], np.cumsum((start + end) / 2 * (until - begin))]))
        return _Table(begin, start, (end - start) / (until - begin), sums[:-1], float(sums[-1]))

    def _inverse(self, i: Offsets) -> Offsets:
        """Seconds at which A reaches each of `i`; infinite where it never does."""
        table = self._table
        row = np.searchsorted(table.before, i, side="right") - 1
        n, start, slope = i - table.before[row], table.start[row], table.slope[row]
        denominator = start + np.sqrt(np.maximum(start * start + 2 * slope * n, 0.0))
        x = np.where(slope > 0, 0.0, np.inf)  # at a rate of 0: now if it rises, else never
        np.divide(2 * n, denominator, out=x, where=denominator > 0)
        return table.begin[row] + x


def _to_whole(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    near = np.rint(sums)
    return np.where(np.abs(sums - near) <= _WHOLE * near, near, sums)
