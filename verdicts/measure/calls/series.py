"""The run second by second, from the samples: what the report plots. Nothing here hides a maximum.

A series has one value a whole second [k, k+1) of the run, from its first record to its last; seconds
before zero hold calls that opened sessions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from verdicts.measure.calls import gateway_overhead, percentiles
from verdicts.run.reading import Floats, Mask, Run
from verdicts.run.samples import Column, Values

FIT: Final = 1_000_000  # calls that are looked at together
Counts = NDArray[np.int64]


@lru_cache(maxsize=4)
def in_flight(run: Run) -> Counts:
    """The most calls out at once within each second of `PerSecond.of`, extra ones too; exact."""
    seconds, out = PerSecond.of(run), run.out
    level, most = 0, np.zeros(seconds.count, np.int64)
    for begin, end in seconds.stretches(seconds.counts("sent", out) + seconds.counts("done", out)):
        ends = [seconds.within(name, begin, end, out, run.samples[name])[0] for name in ("sent", "done")]
        t, step = np.concatenate(ends), np.repeat([1, -1], list(map(len, ends)))
        order = np.lexsort((step, t))  # an answer and a call at the same instant: the answer first
        after = np.concatenate([[level], level + np.cumsum(step[order])])
        place, places = seconds.place(t[order]), np.arange(begin, end)
        over = ends[1][ends[1] == np.floor(ends[1])]  # as a second begins: they are not out within it
        most[begin:end] = after[np.searchsorted(place, places, side="left")]
        np.subtract.at(most, seconds.place(over), 1)
        last = np.diff(t[order], append=np.inf) > 0  # of an instant, when all that happens at it has
        np.maximum.at(most, place[last], after[1:][last])
        level = int(after[-1])
    return most


def peak_in_flight(run: Run) -> int:
    """The most calls out at once."""
    return int(in_flight(run).max(initial=0))


@dataclass(frozen=True)
class PerSecond:
    """Series over the seconds `first` … `first + count − 1`."""

    run: Run
    first: int
    count: int

    @classmethod
    @lru_cache(maxsize=4)
    def of(cls, run: Run) -> PerSecond:
        """All seconds that any record touches, and the planned load."""
        fields = [run.samples[field].of(run.out) for field in ("planned", "done")]
        ends = [(t.min(), t.max()) for values in fields for t in values.pieces()]
        lowest = min((least for least, _ in ends), default=0.0)
        highest = max((most for _, most in ends), default=0.0)
        first = int(np.floor(min(lowest, 0.0)))
        return cls(run, first, int(np.floor(max(highest, run.load_end - 1e-9))) - first + 1)

    @property
    def seconds(self) -> Counts:
        """The start of each second."""
        return np.arange(self.first, self.first + self.count)

    def counts(self, field: str, mask: Mask) -> Counts:
        """How many masked records have `field` in each second."""
        counts = np.zeros(self.count, np.int64)
        for times in self.run.samples[field].of(mask).pieces():
            counts += np.bincount(self.place(times), minlength=self.count)
        return counts

    def by_value(self, field: str, mask: Mask, of: str) -> dict[int, Counts]:
        """`counts` for each value of the field `of`."""
        column = self.run.samples[of]
        return {int(value): self.counts(field, mask & (column == value)) for value in np.unique(column[mask])}

    def percentiles(self, values: Values) -> dict[str, Floats]:
        """p50, p95, p99 and max of the calls planned in each second; NaN in seconds without one."""
        found: list[percentiles.Percentiles] = []
        for begin, end in self.stretches(self.counts("planned", values.mask)):
            at, took = self.within("planned", begin, end, values.mask, values.column)
            place = self.place(at)
            order = np.argsort(place, kind="stable")
            parts = np.split(took[order], np.searchsorted(place[order], np.arange(begin + 1, end)))
            found += [percentiles.of(part) for part in parts]
        return {
            name: np.array([getattr(one, name) for one in found]) for name in ("p50", "p95", "p99", "max")
        }

    @cached_property
    def response(self) -> dict[str, Floats]:
        """Response times of successful calls by the second in which they were planned, seconds."""
        ok = self.run.ok
        return self.percentiles(percentiles.response(self.run, ok))

    @cached_property
    def gateway_overhead(self) -> dict[str, Floats]:
        """The same of the part that the gateway answers for, seconds."""
        ok = self.run.ok
        return self.percentiles(gateway_overhead.seconds(self.run, ok))

    @cached_property
    def start_delay(self) -> dict[str, Floats]:
        """Start delays by the second in which calls were planned, seconds."""
        sent = self.run.sent
        return self.percentiles(percentiles.start_delay(self.run, sent))

    @cached_property
    def in_flight(self) -> Counts:
        """The most calls out at once within each second."""
        return in_flight(self.run)

    def stretches(self, weight: Counts) -> Iterator[tuple[int, int]]:
        """Seconds in a row, as places from … up to …, of which as many weigh together as fit."""
        begin = 0
        while begin < self.count:
            upto = int(np.searchsorted(np.cumsum(weight[begin:]), FIT, side="right"))
            end = min(begin + max(upto, 1), self.count)
            yield begin, end
            begin = end

    def within(self, field: str, begin: int, end: int, mask: Mask, column: Column) -> tuple[Floats, Floats]:
        """(`field`, `column`) of the masked records with `field` in the seconds at these places."""
        low = self.first + begin if begin else -np.inf
        high = self.first + end if end < self.count else np.inf
        times, values = [np.empty(0)], [np.empty(0)]
        for part, records in self.run.samples.between(field, low, high):
            mine = mask[part] & (records[field] >= low) & (records[field] < high)
            times.append(records[field][mine])
            values.append(column.evaluate(part, records)[mine])
        return np.concatenate(times), np.concatenate(values)

    def place(self, t: Floats) -> Counts:
        """Which second each instant is in, counted from the first."""
        return np.clip(np.floor(t).astype(np.int64) - self.first, 0, self.count - 1)
