"""The figures of a run that the history keeps: those of comparisons, throughput, CPU, the points' own.

of(judged)    a number each, without those that could not be taken
TITLES        id → English title; the others are points', by their question
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Final

from verdicts.compare import figures
from verdicts.compare.figures import FIGURES, View
from verdicts.history.entry import Better, RunFigure
from verdicts.judge.judge import ARRIVAL, BASELINE, Judgement
from verdicts.measure.target import cpu, origins
from verdicts.points.point import PointResult
from verdicts.run.reading import Run
from verdicts.thresholds import Threshold

SERVED: Final = "served"
CPU: Final = "cpu"
CPU_SECONDS: Final = "CPU s"
TITLES: Final[Mapping[str, str]] = {
    "delay": "Start delay p99 of the load",
    "p50": "Response p50",
    "p95": "Response p95",
    "p99": "Response p99",
    "success": "Success rate",
    SERVED: "Calls served a second",
    CPU: "CPU a 1,000 calls",
    "errors": "Error rate",
    "refused": "Share refused",
    "added": "Gateway overhead p95 on slow tools",
    "peak": "Peak in flight at the origin",
    "memory": "Origin memory",
    "load": "Origin load",
}


def of(judged: Judgement) -> tuple[RunFigure, ...]:
    """Every figure of a valid run that is a number, in the order of TITLES and then of the points."""
    run = judged.run
    known = {one.id: one for one in (*_compared(run), *_served(run), *_cpu(run))}
    named = [known[id] for id in TITLES if id in known]
    return (*named, *_answers(judged.points))


def slow_tools(run: Run) -> tuple[str, ...]:
    """Those that are judged by what the gateway adds."""
    return tuple(sorted(figures.slow_tools([run])))


def _compared(run: Run) -> Iterator[RunFigure]:
    view = View(run, frozenset(slow_tools(run)))
    for kind in FIGURES.values():
        witness, [found] = figures.read(kind, [view])
        if math.isfinite(found.value):
            yield RunFigure(
                kind.id, found.value, kind.unit, kind.better, witness.basis, witness.said, found.calls
            )


def _served(run: Run) -> Iterator[RunFigure]:
    if run.load_end:
        ok = int(run.ok.sum())
        yield RunFigure(SERVED, ok / run.load_end, "req/s", "higher", witness="the callers", calls=ok)


def _cpu(run: Run) -> Iterator[RunFigure]:
    """The target's, never the load's: the stack's processes, or those that a target shows."""
    stack = [one for one in cpu.usage(run) if not one.name.startswith(cpu.LOADER)]
    used = stack if run.manifest.bundled else cpu.of_sources(run, origins.sources(run))
    calls = int(run.out.sum())
    if used and calls:
        seconds = 1000 * sum(one.cpu_s for one in used) / calls
        yield RunFigure(CPU, seconds, CPU_SECONDS, "lower", witness="the processes", calls=calls)


def _answers(points: tuple[PointResult, ...]) -> Iterator[RunFigure]:
    for one in points:
        value = one.value
        if one.question.id in (ARRIVAL, BASELINE) or isinstance(value, bool | str) or value is None:
            continue
        if math.isfinite(value):
            yield RunFigure(one.id, float(value), one.unit, _better(one), one.basis)


def _better(one: PointResult) -> Better:
    """The way that all bounds of a point ask for; "" without any, or for bounds on both sides."""
    bounds = Threshold.parse(one.threshold).bounds if one.threshold else ()
    ways = {
        "lower" if bound.op in ("<", "<=") else "higher" if bound.op in (">", ">=") else ""
        for bound in bounds
    }
    return ways.pop() if len(ways) == 1 else ""  # type: ignore[return-value]
