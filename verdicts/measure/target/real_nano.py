"""What the kernel counted of a real origin's nano: the cgroup's memory, CPU, throttling and kills.

Figures are of `stack_cgroup_…{process}`, told by the stack; none where no cgroup held the origin.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

from verdicts.measure.target import origins
from verdicts.measure.target.cpu import since_start
from verdicts.run.reading import Floats, Run
from verdicts.run.real_parts import is_held

MIB: Final = 2**20


class NanoUsage(NamedTuple):
    """One instance, from start to the last answer. `cpu_s` is CPU seconds, `throttled` a share of periods."""

    process: str
    memory_peak: float  # bytes
    cpu_s: float
    cpu_mean: float  # cores, while load was sent
    throttled: float
    throttled_s: float
    kills: float
    requests: float

    @property
    def cpu_a_request(self) -> float:
        """CPU seconds; NaN without a request."""
        return self.cpu_s / self.requests if self.requests > 0 else float("nan")


def all_of(run: Run) -> list[NanoUsage]:
    """Every nano that told its figures, the busiest first."""
    found = [_of(run, source) for source in origins.sources(run)] if is_held(run) else []
    told = [one for one in found if not math.isnan(one.memory_peak)]
    return sorted(told, key=lambda one: -one.cpu_s)


def _of(run: Run, source: str) -> NanoUsage:
    peaks = since_start(*_series(run, "memory_peak_bytes", source))[1]
    periods = _risen(run, "periods_total", source)
    t, used = since_start(*_series(run, "cpu_seconds_total", source))
    return NanoUsage(
        source,
        float(peaks.max()) if peaks.size else float("nan"),
        _risen(run, "cpu_seconds_total", source),
        _mean(run, t, used),
        _risen(run, "throttled_periods_total", source) / periods if periods > 0 else 0.0,
        _risen(run, "throttled_seconds_total", source),
        _risen(run, "oom_kills_total", source),
        run.target.total(source, origins.REQUESTS, **origins.path_labels(run)),
    )


def _series(run: Run, name: str, source: str) -> tuple[Floats, Floats]:
    return run.target.series("stack", f"stack_cgroup_{name}", process=source)


def _risen(run: Run, name: str, source: str) -> float:
    """Since start, until the last answer."""
    return run.target.total("stack", f"stack_cgroup_{name}", span=(0.0, math.inf), process=source)


def _mean(run: Run, t: Floats, used: Floats) -> float:
    loaded = t <= run.load_end + 0.5
    if loaded.sum() < 2:
        return float("nan")
    return float((used[loaded][-1] - used[0]) / (t[loaded][-1] - t[0]))


def cgroup_memory(run: Run, source: str) -> tuple[Floats, Floats]:
    """(instants, bytes charged)."""
    return since_start(*_series(run, "memory_bytes", source))


def throttled(run: Run, start: float, end: float) -> float:
    """The busiest nano's share of throttled periods between two instants; 0 where no cgroup told it."""
    shares = []
    for source in origins.sources(run) if is_held(run) else ():
        span = (start, end)
        periods, stopped = (
            run.target.total("stack", f"stack_cgroup_{name}", span=span, process=source)
            for name in ("periods_total", "throttled_periods_total")
        )
        shares.append(stopped / periods if periods > 0 else 0.0)
    return max(shares, default=0.0)
