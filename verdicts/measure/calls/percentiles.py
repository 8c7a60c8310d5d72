"""Exact percentiles of what clients saw, from the samples themselves.

Over successful calls, with their count:
    response = done − planned      service = done − sent      overhead = response − the tool's own time
Over all calls that went out:
    start delay = sent − planned

A percentile is a value that occurred (the smallest with at least that share at or below it), so p99
never exceeds max. Seconds inside, milliseconds in `ms()`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from verdicts.measure.calls import tool_times
from verdicts.run.reading import Floats, Mask, Run

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


def of(values: Floats) -> Percentiles:
    """The percentiles of some durations in seconds."""
    if values.size == 0:
        return Percentiles(0)
    p50, p95, p99 = np.percentile(values, (50, 95, 99), method="inverted_cdf")
    return Percentiles(int(values.size), float(p50), float(p95), float(p99), float(values.max()))


def response(run: Run, mask: Mask) -> Floats:
    """done − planned of the masked calls, seconds."""
    return _between(run, mask, "planned", "done")


def service(run: Run, mask: Mask) -> Floats:
    """done − sent of the masked calls, seconds."""
    return _between(run, mask, "sent", "done")


def start_delay(run: Run, mask: Mask) -> Floats:
    """sent − planned of the masked calls, seconds."""
    return _between(run, mask, "planned", "sent")


def overhead(run: Run, mask: Mask) -> Floats:
    """response − the tool's own seconds, of the masked calls of which they are known."""
    own = tool_times.of_calls(run)
    known = mask & ~np.isnan(own)
    return response(run, known) - own[known]


def _between(run: Run, mask: Mask, first: str, last: str) -> Floats:
    calls = run.samples[mask]
    seconds: Floats = calls[last] - calls[first]
    return seconds
