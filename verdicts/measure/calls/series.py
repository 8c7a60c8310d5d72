"""The run second by second, from the samples: what the report plots. Nothing here hides a maximum.

A series has one value a whole second [k, k+1) of the run, from its first record to its last; seconds
before zero hold calls that opened sessions.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from verdicts.measure.calls import gateway_overhead, percentiles
from verdicts.run.reading import Floats, Mask, Run

Counts = NDArray[np.int64]


def in_flight(run: Run) -> tuple[Floats, Counts]:
    """(instants, calls out after each) over every call that went out, extra ones too; exact."""
    calls = run.samples[run.out]
    t = np.concatenate([calls["sent"], calls["done"]])
    step = np.repeat([1, -1], len(calls))
    order = np.lexsort((step, t))  # an answer and a call at the same instant: the answer first
    return t[order], np.cumsum(step[order])


def peak_in_flight(run: Run) -> int:
    """The most calls out at once."""
    return int(in_flight(run)[1].max(initial=0))


@dataclass(frozen=True)
class PerSecond:
    """Series over the seconds `first` … `first + count − 1`."""

    run: Run
    first: int
    count: int

    @classmethod
    def of(cls, run: Run) -> PerSecond:
        """All seconds that any record touches, and the planned load."""
        times = [run.samples[field][run.out] for field in ("planned", "done")]
        lowest = min((t.min() for t in times if t.size), default=0.0)
        highest = max((t.max() for t in times if t.size), default=0.0)
        first = int(np.floor(min(lowest, 0.0)))
        return cls(run, first, int(np.floor(max(highest, run.load_end - 1e-9))) - first + 1)

    @property
    def seconds(self) -> Counts:
        """The start of each second."""
        return np.arange(self.first, self.first + self.count)

    def counts(self, field: str, mask: Mask) -> Counts:
        """How many masked records have `field` in each second."""
        return np.bincount(self._place(self.run.samples[field][mask]), minlength=self.count)

    def by_value(self, field: str, mask: Mask, of: str) -> dict[int, Counts]:
        """`counts` for each value of the field `of`."""
        column = self.run.samples[of]
        return {int(value): self.counts(field, mask & (column == value)) for value in np.unique(column[mask])}

    def percentiles(self, values: Floats, at: Floats) -> dict[str, Floats]:
        """p50, p95, p99 and max of `values` in each second of `at`; NaN in seconds without one."""
        place = self._place(at)
        order = np.argsort(place, kind="stable")
        parts = np.split(values[order], np.searchsorted(place[order], np.arange(1, self.count)))
        found = [percentiles.of(part) for part in parts]
        return {
            name: np.array([getattr(one, name) for one in found]) for name in ("p50", "p95", "p99", "max")
        }

    @cached_property
    def response(self) -> dict[str, Floats]:
        """Response times of successful calls by the second in which they were planned, seconds."""
        ok = self.run.ok
        return self.percentiles(percentiles.response(self.run, ok), self.run.samples["planned"][ok])

    @cached_property
    def gateway_overhead(self) -> dict[str, Floats]:
        """The same of the part that the gateway answers for, seconds."""
        ok = self.run.ok
        return self.percentiles(gateway_overhead.seconds(self.run, ok), self.run.samples["planned"][ok])

    @cached_property
    def start_delay(self) -> dict[str, Floats]:
        """Start delays by the second in which calls were planned, seconds."""
        sent = self.run.sent
        return self.percentiles(percentiles.start_delay(self.run, sent), self.run.samples["planned"][sent])

    @cached_property
    def in_flight(self) -> Counts:
        """The most calls out at once within each second."""
        t, level = in_flight(self.run)
        place = np.floor(t).astype(np.int64) - self.first
        most = np.zeros(self.count, dtype=np.int64)
        before = np.searchsorted(place, np.arange(self.count), side="left") - 1
        most[before >= 0] = level[before[before >= 0]]
        np.maximum.at(most, np.clip(place, 0, self.count - 1), level)
        return most

    def _place(self, t: Floats) -> Counts:
        return np.clip(np.floor(t).astype(np.int64) - self.first, 0, self.count - 1)
