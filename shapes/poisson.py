"""A Poisson process: independent arrivals, exponential gaps, as many unrelated clients make.

Built without a logarithm, so that its bits are the same everywhere (see `shapes.seeded`): time is cut
into cells of one expected arrival; each cell's count is Poisson(1), looked up in a table of 64-bit
thresholds made by exact integer arithmetic; its arrivals are uniform in the cell, then sorted. That is
the definition of the process, not an approximation. A longer run begins with the shorter one's arrivals,
and another rate stretches the same pattern.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import ceil, factorial
from typing import Final

import numpy as np

from shapes.base import Offsets, check_count, check_duration, check_index, check_rate
from shapes.seeded import words

_E: Final = sum(Fraction(1, factorial(k)) for k in range(40))
_THRESHOLDS: Final = np.array(
    [int(2**64 * sum(Fraction(1, factorial(k)) for k in range(top)) / _E) for top in range(1, 20)],
    dtype=np.uint64,
)  # a word at or above the first `k` thresholds is a count of k
_COUNTS, _PLACES = 0, 1  # streams of the seed


@dataclass(frozen=True)
class Poisson:
    """Implements `shapes.base.Shape`: on average `per_second` arrivals/s for `duration` seconds.

    Groups that are to be independent need seeds of their own. Raises ValueError.
    """

    per_second: float
    duration: float
    seed: int

    def __post_init__(self) -> None:
        check_count(check_rate(self.per_second) * check_duration(self.duration))
        words(0, self.seed)

    @property
    def count(self) -> int:
        """See `Shape`; itself a Poisson variate with mean per_second · duration."""
        return len(self._all)

    def offset(self, i: int) -> float:
        """See `Shape`."""
        check_index(i, self.count)
        return float(self._all[i])

    def offsets(self) -> Offsets:
        """See `Shape`; read-only."""
        return self._all

    def rate(self, t: float) -> float:
        """See `Shape`; the process's intensity."""
        return self.per_second if 0 <= t < self.duration else 0.0

    @cached_property
    def _all(self) -> Offsets:
        cells = ceil(self.per_second * self.duration)
        counts = np.searchsorted(_THRESHOLDS, words(cells, self.seed, _COUNTS), side="right")
        places = words(int(counts.sum()), self.seed, _PLACES) >> np.uint64(11)
        unit = np.repeat(np.arange(cells, dtype=np.float64), counts) + places * 2.0**-53
        unit.sort()
        with np.errstate(over="ignore"):  # at a tiny rate: never
            offsets = unit / self.per_second if cells else unit
        offsets = offsets[: int(np.searchsorted(offsets, self.duration, side="left"))]
        offsets.setflags(write=False)
        return offsets
