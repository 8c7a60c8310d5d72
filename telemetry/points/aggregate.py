"""Samples into points: a run at 500 requests a second makes some ten points a second, not 500.

`requests`, a point per second, worker, tool, status and result; a call counts in the second in which it
was *done*, because a worker's samples reach the disk before the ledger line that says how far it is: so a
second is complete once that line's `t` has passed it. If a sample came later all the same, the second's
point is made anew with the right count, and replaces the first. Sinks that keep counters instead have
`requests_so_far`, the same counts since the start (`telemetry.points.so_far`).

Extra calls and dropped arrivals are no requests: the sum of all counts is the ledger's `sent`. What can
only be said of the whole run is in `telemetry.points.whole_run`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.ma  # np.unique would import it at its first call: 0.1 s of CPU in mid-run
from numpy.typing import NDArray

from telemetry.points.histogram import Array
from telemetry.points.point import DataPoint, RunPoints
from telemetry.points.so_far import SoFar
from telemetry.recording.sample import Outcome

KEPT: Final = 60  # seconds behind a worker's mark in which a late sample still finds its own second
SUMS: Final = ("response_sum_ms", "service_sum_ms", "start_delay_sum_ms", "upstream_sum_ms", "bytes")
_SECOND_ZERO: Final = 1 << 20  # seconds before the start that the key can hold
_BITS: Final = {"tool": 16, "status": 10, "reason": 8, "outcome": 2}
_MS: Final = 1000.0

Key = tuple[int, int, int, int]  # tool, status, reason, outcome


class WorkerSeconds:
    """The requests of one worker, second by second."""

    def __init__(self, worker: str, tools: Sequence[str], reasons: Sequence[str]) -> None:
        self._worker, self._tools, self._reasons = worker, tools, reasons
        self._seconds: dict[int, dict[Key, NDArray[np.float64]]] = {}
        self._changed: set[int] = set()
        self._oldest = -_SECOND_ZERO
        self._so_far = SoFar[Key]()

    def feed(self, samples: NDArray[np.void]) -> None:
        """Count `samples` (all `telemetry.recording.requests.counted`)."""
        if not samples.size:
            return
        keys, inverse = np.unique(self._keys(samples), return_inverse=True)
        columns = (np.ones(samples.size), *_sums(samples))
        rows = np.stack([np.bincount(inverse, column, keys.size) for column in columns], axis=1)
        for key, row in zip(keys.tolist(), rows, strict=True):
            self._add(*_unpack(key), row)

    def _keys(self, samples: NDArray[np.void]) -> NDArray[np.int64]:
        second = np.maximum(np.floor(samples["done"]), self._oldest).astype(np.int64)
        key: NDArray[np.int64] = second + _SECOND_ZERO
        for name, bits in _BITS.items():
            key = (key << bits) | np.minimum(samples[name].astype(np.int64), (1 << bits) - 1)
        return key

    def _add(self, second: int, key: Key, row: NDArray[np.float64]) -> None:
        bins = self._seconds.setdefault(second, {})
        bins[key] = bins[key] + row if key in bins else row
        self._changed.add(second)
        self._so_far.add(second, key, row)

    def closed(self, points: RunPoints, mark: float) -> Iterator[DataPoint]:
        """The points of every changed second that was over at `mark` (s since start)."""
        for second in sorted(self._changed):
            if second + 1 <= mark:
                self._changed.discard(second)
                for key, row in self._seconds[second].items():
                    yield points.make("requests", self._tags(key), _fields(row), second)
        for t, key, row in self._so_far.closed(mark):
            yield points.make("requests_so_far", self._tags(key), _fields(row), t)
        self._forget(mark)

    def _forget(self, mark: float) -> None:
        if math.isfinite(mark):
            self._oldest = max(self._oldest, math.floor(mark) - KEPT)
            for second in [one for one in self._seconds if one < self._oldest]:
                del self._seconds[second]

    def _tags(self, key: Key) -> dict[str, str]:
        tool, status, reason, outcome = key
        return {
            "worker": self._worker,
            "tool": _name(self._tools, tool),
            "status": str(status),
            "result": _result(Outcome(outcome), _name(self._reasons, reason)),
        }


def _unpack(key: int) -> tuple[int, Key]:
    parts = []
    for bits in reversed(_BITS.values()):
        parts.append(key & ((1 << bits) - 1))
        key >>= bits
    outcome, reason, status, tool = parts
    return key - _SECOND_ZERO, (tool, status, reason, outcome)


def _sums(samples: NDArray[np.void]) -> Iterator[Array]:
    """One column for each of `SUMS`."""
    yield (samples["done"] - samples["planned"]) * _MS
    yield (samples["done"] - samples["sent"]) * _MS
    yield (samples["sent"] - samples["planned"]) * _MS
    yield np.nan_to_num(samples["upstream_s"].astype(np.float64)) * _MS
    yield samples["bytes"].astype(np.float64)


def _fields(row: NDArray[np.float64]) -> dict[str, int | float]:
    count, *sums, size = row.tolist()
    fields: dict[str, int | float] = {"count": int(count)}
    fields.update((name, round(value, 3)) for name, value in zip(SUMS, sums, strict=False))
    return {**fields, "bytes": int(size)}


def _name(names: Sequence[str], code: int) -> str:
    return names[code] if code < len(names) else f"code-{code}"


def _result(outcome: Outcome, reason: str) -> str:
    """`ok`, `aborted`, or why it failed."""
    return reason or "failed" if outcome is Outcome.FAILED else outcome.name.lower()
