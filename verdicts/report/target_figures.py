"""Plots of the target's own figures: processes as measured, the nano as modelled. Never both in one plot."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle

from verdicts.measure.target import cpu, origins
from verdicts.report.figure import Figure, Trace, line
from verdicts.run.reading import Run

MIB = 2**20
_COLORS = ("c1", "c2", "c3", "c4", "c5", "c6", "c7", "faint")


def measured(run: Run, processes: list[cpu.ProcessUsage]) -> Iterator[Figure]:
    """CPU and memory of every process that told it."""
    told = [one for one in processes if one.t.size]
    if told:
        yield _cpu(told)
    if traces := _memory_traces(run, told):
        largest = max(traces, key=lambda trace: trace.peak)
        summary = f"{largest.name} was the largest, {largest.peak:,.1f} MiB at its peak."
        yield Figure("memory", "Resident memory of each process", "MiB", "measured", summary, traces)


def _cpu(told: list[cpu.ProcessUsage]) -> Figure:
    traces = [
        line(one.name, one.t, one.cores, color) for one, color in zip(told, cycle(_COLORS), strict=False)
    ]
    busiest = max(told, key=lambda one: one.mean)
    summary = (
        f"All together used {sum(one.mean for one in told):.2f} cores on average; {busiest.name} used the "
        f"most, {busiest.mean:.2f} on average and {busiest.peak:.2f} at its peak."
    )
    return Figure("cpu", "CPU of each process", "cores", "measured", summary, traces)


def _memory_traces(run: Run, told: list[cpu.ProcessUsage]) -> list[Trace]:
    found = []
    for one, color in zip(told, cycle(_COLORS), strict=False):
        t, memory = cpu.memory(run, one.name)
        if t.size:
            found.append(line(one.name, t, memory / MIB, color))
    return found


def modelled(run: Run) -> Iterator[Figure]:
    """The nano's memory and CPU by the model, with their limits."""
    if not run.manifest.bundled:
        return
    settings = run.manifest.settings("nano")
    limit = settings.get("memory_limit", 256 * MIB) / MIB
    share = settings.get("cpu_share", 0.1)
    memory = _each(run, "mcpist_memory_bytes", 1 / MIB)
    if memory:
        title, what = "Memory of the nano", "base + goroutines × (stack + buffers)"
        yield _of_nano("nano-memory", title, "MiB", memory, (limit, f"killed over {limit:g} MiB"), what)
    if used := _each(run, "mcpist_nano_cpu_seconds_total", rate=True):
        what = "a set cost for each request"
        yield _of_nano("nano-cpu", "CPU of the nano", "vCPU", used, (share, f"share of {share:g} vCPU"), what)


def _each(run: Run, name: str, factor: float = 1.0, *, rate: bool = False) -> list[Trace]:
    found = []
    for color, source in zip(("c1", "c2", "c3"), origins.sources(run), strict=False):
        t, values = run.target.series(source, name)
        if rate:
            t, values = cpu.rates(t, values)
        if t.size:
            found.append(line(source, t, values * factor, color))
    return found


def _of_nano(
    id: str,
    title: str,
    unit: str,
    traces: list[Trace],
    bound: tuple[float, str],
    what: str,
) -> Figure:
    peak = max(trace.peak for trace in traces)
    summary = f"By the model ({what}) at most {peak:,.3g} {unit}, {peak / bound[0]:.0%} of its limit."
    return Figure(id, title, unit, "modelled", summary, traces, [bound])
