"""P0.2 on a real origin: its runtime's own figures beside those of the cgroup that holds it.

Bytes a call and bytes a goroutine are slopes by least squares with their 95 % interval, over the scrapes up
to the most goroutines: Go and the kernel keep the memory of those that are gone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from verdicts.measure.target import goroutines, origins, real_nano
from verdicts.measure.target.cpu import since_start
from verdicts.measure.target.real_nano import MIB
from verdicts.measure.target.straight_line import Line, fitted
from verdicts.points.point import Finding, Value
from verdicts.run import real_parts
from verdicts.run.reading import Floats, Run

SURE: Final = 0.1  # the most that half a slope's 95 % interval may be of it, to be read beyond the scrapes
QUANTILES: Final = (0.0, 0.25, 0.5, 0.75, 1.0)
COLUMNS: Final = {
    "goroutines": "mcpist_goroutines",
    "calls in flight": "mcpist_in_flight",
    "heap MiB": "go_memstats_heap_inuse_bytes",
    "stacks MiB": "go_memstats_stack_inuse_bytes",
    "resident MiB": "mcpist_memory_bytes",
}


class OriginScrapes(NamedTuple):
    """One origin's figures at the instants of its scrapes since start; `cgroup` is empty without one."""

    source: str
    columns: dict[str, Floats]
    cgroup: Floats

    @property
    def memory(self) -> Floats:
        """What is charged to the cgroup; without one what is resident."""
        return self.cgroup if self.cgroup.size else self.columns["resident MiB"]


def of(run: Run) -> Finding:
    """The highest memory of the busiest origin, and what a call and a goroutine take of it."""
    told = _busiest(run)
    if told is None:
        return Finding.unseen(f"{origins.UNSEEN} (mcpist_goroutines).")
    calls, each = _slopes(told)
    peaks = {one.process: one.memory_peak for one in real_nano.all_of(run)}
    held, most = peaks.get(told.source), float(told.columns["goroutines"].max())
    resident = float(told.columns["resident MiB"].max())
    figures = {
        "memory": resident,
        "goroutines": most,
        "per_goroutine": _bytes(each),
        "per_call": _bytes(calls),
    }
    return Finding(
        round((resident if held is None else held) / MIB, 1),
        "MiB resident (peak)" if held is None else "MiB (peak of the cgroup)",
        f"{told.source}: {_said(calls, 'call in flight')}; {_said(each, 'goroutine')}; at most {most:,.0f} "
        f"goroutines, {told.columns['calls in flight'].max():,.0f} calls in flight, resident "
        f"{resident / MIB:.1f} MiB, in {told.memory.size} scrapes. {_nano(run)}{goroutines.PLAN}",
        figures if held is None else {"nano_memory": held, **figures},
        rows=tuple(_rows(told)),
    )


def holds(run: Run, memory: float | None = None) -> int | None:
    """How many calls `memory` bytes hold by the line through the scrapes; by default all that the nano has.

    None where there is no line, or one that is not sure: a few calls say nothing of thousands.
    """
    told = _busiest(run)
    calls = None if told is None else _slopes(told)[0]
    if calls is None or not 0 <= calls.margin < SURE * calls.slope:
        return None
    room = _memory_limit(run) if memory is None else memory
    return max(0, int((room - calls.at_zero) / calls.slope))


def _memory_limit(run: Run) -> float:
    return float(run.manifest.settings("nano").get("memory_limit", 256 * MIB))


def _busiest(run: Run) -> OriginScrapes | None:
    found = [_scrapes(run, source) for source in origins.sources(run)]
    return max((one for one in found if one), key=lambda one: one.columns["goroutines"].max(), default=None)


def _scrapes(run: Run, source: str) -> OriginScrapes | None:
    series = {name: since_start(*run.target.series(source, key)) for name, key in COLUMNS.items()}
    t = series["goroutines"][0]
    if not t.size or any(one[0].size != t.size for one in series.values()):
        return None
    at, charged = real_nano.cgroup_memory(run, source)
    cgroup = np.interp(t, at, charged) if at.size else np.empty(0)
    return OriginScrapes(source, {name: values for name, (_, values) in series.items()}, cgroup)


def _slopes(told: OriginScrapes) -> tuple[Line, Line]:
    """Of memory over calls in flight, and over goroutines."""
    rising = slice(int(told.columns["goroutines"].argmax()) + 1)
    memory = told.memory[rising]
    calls, goroutines_then = (told.columns[name][rising] for name in ("calls in flight", "goroutines"))
    return fitted(calls, memory), fitted(goroutines_then, memory)


def _bytes(line: Line) -> float:
    """The slope, NaN where its interval holds 0: memory moved for something else."""
    return line.slope if line.slope > line.margin else math.nan


def _said(line: Line, what: str) -> str:
    if math.isnan(line.slope):
        return f"bytes a {what}: it hardly moved, so there is no slope"
    if math.isnan(_bytes(line)):
        return f"bytes a {what}: not known, as memory did not surely rise with it"
    return f"{line.slope:,.0f} ± {line.margin:,.0f} bytes a {what} (95 %)"


def _nano(run: Run) -> str:
    if not real_parts.is_held(run):
        return f"{real_parts.why_unseen(run)} "
    return f"The kernel kills over {_memory_limit(run) / MIB:g} MiB without swap. "


def _rows(told: OriginScrapes) -> Iterator[dict[str, Value]]:
    """The scrapes nearest to quantiles of the range of goroutines, up to the most."""
    x = told.columns["goroutines"][: told.columns["goroutines"].argmax() + 1]
    places = [int(np.abs(x - (x.min() + share * np.ptp(x))).argmin()) for share in QUANTILES]
    for place in dict.fromkeys(places):
        row: dict[str, Value] = {}
        for name, values in told.columns.items():
            here = float(values[place])
            row[name] = round(here / MIB, 1) if "MiB" in name else int(here)
        if told.cgroup.size:
            row["cgroup MiB"] = round(float(told.cgroup[place]) / MIB, 1)
        yield row
