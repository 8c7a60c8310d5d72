"""What only the whole run can say, since percentiles of workers do not add up: a point per second.

`requests` without the tags of its other points, and without their field `count`: percentiles of response
and service time over successful calls, of that second (`p50_ms`…) and since the start (`run_p50_ms`…), and
how that second's calls ended (`calls`, `ok`, `refusals`, `errors`, `aborted`, `status_5xx`). `arrivals`
without a worker: the start delay over all calls sent. Calls count in the second in which they were done.

`run_so_far`, for sinks that keep counters: how calls ended since the start, and the successful ones by
response time (`le_…`, seconds; `count`, `sum_ms`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from telemetry.points.histogram import Array, Histogram
from telemetry.points.point import DataPoint, Field, RunPoints
from telemetry.recording.sample import REASON_CODE, REFUSALS, Outcome

PATIENCE: Final = 5  # seconds that a second waits for the slowest worker
_MS: Final = 1000.0
BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)  # seconds
# measurement → kind of time → prefix of its fields
_KINDS: Final = {
    "requests": {"response": "", "service": "service_"},
    "arrivals": {"start_delay": "start_delay_"},
}
_REFUSALS: Final = np.array([REASON_CODE[name] for name in REFUSALS])


class WholeRun:
    """All workers together. A sample for a second that is closed counts since the start alone."""

    def __init__(self) -> None:
        self._seconds: dict[int, _Part] = {}
        self._total = _Part()
        self._closed = -math.inf
        self._told = False
        self._late = False  # something counts since the start that no point has told yet

    def feed(self, samples: NDArray[np.void]) -> None:
        """Count `samples` (all `telemetry.recording.requests.counted`)."""
        calls = _Calls.of(samples)
        seconds = np.floor(samples["done"]).astype(np.int64)
        for second in np.unique(seconds).tolist():
            late = second < self._closed
            part = self._total if late else self._seconds.setdefault(second, _Part())
            part.feed(calls.only(seconds == second))
            self._late |= late

    def closed(self, points: RunPoints, marks: Iterable[float]) -> Iterator[DataPoint]:
        """The points of the seconds that are over for all workers, given how far each one is (s)."""
        known = list(marks)
        mark = max(min(known), max(known) - PATIENCE) if known else -math.inf
        for second in sorted(one for one in self._seconds if one + 1 <= mark):
            self._closed = second + 1
            yield from self._close(points, second, self._seconds.pop(second))
        if self._late and mark == math.inf:
            yield points.make("run_so_far", {}, self._total.so_far(), self._closed + 1)

    def _close(self, points: RunPoints, second: int, part: _Part) -> Iterator[DataPoint]:
        self._total.add(part)
        for measurement, kinds in _KINDS.items():
            fields: dict[str, Any] = {"second": second}
            for kind, prefix in kinds.items():
                fields |= part.times[kind].summary(prefix)
                fields |= self._total.times[kind].summary("run_" + prefix)
            ended = part.ended if measurement == "requests" else {}
            yield points.make(measurement, {}, {**fields, **ended}, second)
        if not self._told:  # a counter begins at zero
            yield points.make("run_so_far", {}, _Part().so_far(), second)
        yield points.make("run_so_far", {}, self._total.so_far(), second + 1)
        self._told, self._late = True, False


class _Part:
    """One second, or all of them."""

    def __init__(self) -> None:
        self.times = {kind: Histogram() for kinds in _KINDS.values() for kind in kinds}
        self.ended = dict.fromkeys(("calls", "ok", "refusals", "errors", "aborted", "status_5xx"), 0)

    def feed(self, calls: _Calls) -> None:
        good = calls.outcome == Outcome.OK
        self.times["response"].record((calls.service + calls.delay)[good])
        self.times["service"].record(calls.service[good])
        self.times["start_delay"].record(calls.delay)
        self._count(_ended(calls))

    def add(self, other: _Part) -> None:
        for kind, histogram in self.times.items():
            histogram.add(other.times[kind])
        self._count(other.ended)

    def so_far(self) -> dict[str, Field]:
        response = self.times["response"]
        below = (f"le_{bound:g}" for bound in BUCKETS)
        counts = response.up_to([bound * _MS for bound in BUCKETS])
        figures: dict[str, Field] = {"count": response.count, "sum_ms": round(response.sum_ms, 3)}
        return {**self.ended, **figures, **dict(zip(below, counts, strict=True))}

    def _count(self, ended: dict[str, int]) -> None:
        for name, count in ended.items():
            self.ended[name] += count


class _Calls(NamedTuple):
    """The columns that are needed, apart: walking whole records costs three times as much."""

    service: Array  # ms
    delay: Array  # ms
    outcome: NDArray[Any]
    reason: NDArray[Any]
    status: NDArray[Any]

    @classmethod
    def of(cls, samples: NDArray[np.void]) -> _Calls:
        sent = samples["sent"].copy()
        service, delay = (samples["done"] - sent) * _MS, (sent - samples["planned"]) * _MS
        return cls(service, delay, *(samples[name].copy() for name in ("outcome", "reason", "status")))

    def only(self, chosen: NDArray[np.bool_]) -> _Calls:
        return _Calls(*(column[chosen] for column in self))


def _ended(calls: _Calls) -> dict[str, int]:
    ok, failed, aborted, _ = np.bincount(calls.outcome, minlength=4).tolist()
    reasons = np.bincount(calls.reason[calls.outcome == Outcome.FAILED], minlength=int(_REFUSALS.max()) + 1)
    refusals = int(reasons[_REFUSALS].sum())
    return {
        "calls": calls.outcome.size,
        "ok": ok,
        "refusals": refusals,
        "errors": failed - refusals,
        "aborted": aborted,
        "status_5xx": int((calls.status // 100 == 5).sum()),
    }
