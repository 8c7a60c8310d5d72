"""Exact percentiles of what clients saw, from the samples themselves.

Over successful calls, with their count:
    response = done − planned      service = done − sent      overhead = response − the tool's own time
Over all calls that went out:
    start delay = sent − planned

A percentile is a value that occurred (the smallest with at least that share at or below it), so p99
never exceeds max. Seconds inside, milliseconds in `ms()`. `selection` finds the values.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from verdicts.measure.calls import tool_times
from verdicts.measure.calls.selection import Some, at_ranks
from verdicts.run.reading import Mask, Run
from verdicts.run.samples import Values

NAN: Final = float("nan")


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Seconds; NaN everywhere when `count` is 0."""

    count: int
    p50: float = NAN
    p95: float = NAN
    p99: float = NAN
    max: float = NAN

    def ms(self) -> dict[str, float | int | None]:
        """Milliseconds to a microsecond, with the count; None where there was no call."""
        figures = {name: getattr(self, name) for name in ("p50", "p95", "p99", "max")}
        return {**{name: milliseconds(value) for name, value in figures.items()}, "count": self.count}


def milliseconds(seconds: float) -> float | None:
    """Seconds as milliseconds to a microsecond; None for NaN."""
    return None if np.isnan(seconds) else round(seconds * 1000, 3)


def of(values: Some) -> Percentiles:
    """The percentiles of some durations in seconds."""
    count = values.size
    if not count:
        return Percentiles(0)
    return Percentiles(
        count, *at_ranks(values, [*(_rank(count, share) for share in (50, 95, 99)), count - 1])
    )


def _rank(count: int, percent: int) -> int:
    """The place of a percentile among `count` values in ascending order, by numpy's `inverted_cdf`."""
    return max(math.ceil(count * (percent / 100) - 1), 0)


def median(values: Some) -> float:
    """The value in the middle, or the mean of the two there; NaN of none."""
    count = values.size
    if not count:
        return NAN
    return float(np.mean(at_ranks(values, range((count - 1) // 2, count // 2 + 1))))


def response(run: Run, mask: Mask) -> Values:
    """done − planned of the masked calls, seconds."""
    return _between(run, mask, "planned", "done")


def service(run: Run, mask: Mask) -> Values:
    """done − sent of the masked calls, seconds."""
    return _between(run, mask, "sent", "done")


def start_delay(run: Run, mask: Mask) -> Values:
    """sent − planned of the masked calls, seconds."""
    return _between(run, mask, "planned", "sent")


def upstream(run: Run, mask: Mask) -> Values:
    """The upstream's own seconds of the masked calls that told them."""
    told = run.samples["upstream_s"]
    return Values(told.astype(np.float64), mask & ~np.isnan(told))


def overhead(run: Run, mask: Mask) -> Values:
    """response − the tool's own seconds, of the masked calls of which they are known."""
    own = tool_times.of_calls(run)
    return Values(run.samples["done"] - run.samples["planned"] - own, mask & ~np.isnan(own))


def _between(run: Run, mask: Mask, first: str, last: str) -> Values:
    return Values(run.samples[last] - run.samples[first], mask)
