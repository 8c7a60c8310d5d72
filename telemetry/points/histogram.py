"""Response times of a run of any length in fixed memory: an HdrHistogram fed by whole arrays.

hdrhistogram records one value at a time in Python, 3 µs each, and walks 20,000 counters for one
percentile. Here numpy counts into the library's buckets: the same answers, for 1/100 of it.

Values are milliseconds, kept in steps of 1 µs up to 2 ms and within 0.1 % above; the largest is 1 hour.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from hdrh.histogram import HdrHistogram
from numpy.typing import NDArray

Array = NDArray[np.float64]
PERCENTILES: Final = (50, 95, 99)
PER_MS: Final = 1000
HIGHEST: Final = 3_600_000_000  # µs
_BUCKETS: Final[Any] = HdrHistogram(1, HIGHEST, 3)
"""Where the library's buckets are. Counts are kept apart: making one costs more than a second of calls."""


class Histogram:
    """Counts values; histograms can be added up."""

    def __init__(self) -> None:
        self._counts = np.zeros(len(_BUCKETS.counts), dtype=np.int64)
        self._used = 0  # buckets from this one on are empty
        self._max = 0.0
        self.sum_ms = 0.0

    @property
    def count(self) -> int:
        """How many values were recorded."""
        return int(self.counts.sum())

    @property
    def counts(self) -> NDArray[np.int64]:
        """How many values each bucket has, up to the last that has any."""
        return self._counts[: self._used]

    def record(self, values_ms: Array) -> None:
        """Count every value; below 0 counts as 0, above an hour as an hour."""
        if not values_ms.size:
            return
        micros = np.clip(np.rint(values_ms * PER_MS), 0, HIGHEST).astype(np.int64)
        indices = _indices(micros)
        np.add.at(self._counts, indices, 1)
        self._used = max(self._used, int(indices.max()) + 1)
        self._max = max(self._max, float(micros.max()) / PER_MS)
        self.sum_ms += float(micros.sum()) / PER_MS

    def add(self, other: Histogram) -> None:
        """Merge another histogram into this one."""
        self._used = max(self._used, other._used)
        self.counts[: other._used] += other.counts
        self._max = max(self._max, other._max)
        self.sum_ms += other.sum_ms

    def summary(self, prefix: str = "") -> dict[str, float]:
        """`{p50_ms, p95_ms, p99_ms, max_ms}` with each name prefixed; {} without a value."""
        if not self._used:
            return {}
        summed = np.cumsum(self.counts)
        total = int(summed[-1])
        wanted = [
            -(-p * total // 100) for p in PERCENTILES
        ]  # as the report: at least that share is not above
        places = np.searchsorted(summed, wanted)
        found = {f"{prefix}p{p:g}_ms": self._upper(int(i)) for p, i in zip(PERCENTILES, places, strict=True)}
        return {**found, f"{prefix}max_ms": self._max}

    def up_to(self, bounds_ms: Sequence[float]) -> list[int]:
        """How many values were at most each bound, within 0.1 % of it."""
        summed = np.concatenate(([0], np.cumsum(self.counts)))
        last = _indices(np.rint(np.array(bounds_ms) * PER_MS).astype(np.int64)) + 1
        found: list[int] = summed[np.minimum(last, self._used)].tolist()
        return found

    def _upper(self, index: int) -> float:
        value = _BUCKETS.get_highest_equivalent_value(_BUCKETS.get_value_from_index(index))
        return min(float(value) / PER_MS, self._max)


def _indices(micros: NDArray[np.int64]) -> NDArray[np.int64]:
    """The bucket of each value."""
    magnitude = np.frexp((micros | _BUCKETS.sub_bucket_mask).astype(np.float64))[1].astype(np.int64)
    bucket = magnitude - (_BUCKETS.sub_bucket_half_count_magnitude + 1)
    base = (bucket + 1) << _BUCKETS.sub_bucket_half_count_magnitude
    indices: NDArray[np.int64] = base + (micros >> bucket) - _BUCKETS.sub_bucket_half_count
    return indices
