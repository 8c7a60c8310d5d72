"""Who used the machine's CPU, from the workers' ledgers and the stack's process figures.

Shares are in cores: 0.5 is half a core for the whole time.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from telemetry.probing.target_log import parse_labels
from verdicts.run.reading import Floats, Run

CPU: Final = "stack_process_cpu_seconds_total"
MEMORY: Final = "stack_process_resident_memory_bytes"
LOADER: Final = "load "


class ProcessUsage(NamedTuple):
    """One process. `cpu_s` counts until the last answer, `mean` while load was sent.

    `t` and `cores` are its CPU share in each interval between readings, at the interval's end.
    """

    name: str
    cpu_s: float
    mean: float
    peak: float
    memory_peak: float  # bytes, NaN where not told
    t: Floats
    cores: Floats


def usage(run: Run) -> list[ProcessUsage]:
    """Every process that told its CPU: the load's own first, then the stack's by CPU seconds."""
    stack = [_of_stack(run, name) for name in stack_processes(run)]
    loaders = [_of_worker(run, worker) for worker in run.workers if len(run.ledgers[worker]) > 1]
    return loaders + sorted(stack, key=lambda one: -one.cpu_s)


def stack_processes(run: Run) -> list[str]:
    """The stack's processes that told their CPU."""
    scrapes = run.target.sources.get("stack")
    keys = scrapes.values if scrapes else {}
    return [parse_labels(key)["process"] for key in keys if key.startswith(CPU + "{")]


def memory(run: Run, name: str) -> tuple[Floats, Floats]:
    """(instants, resident bytes) of a process by its name in `usage` or by its source's."""
    if name in run.target.sources and name not in stack_processes(run):
        return run.target.series(name, "process_resident_memory_bytes")
    return run.target.series("stack", MEMORY, process=name)


def of_sources(run: Run, sources: list[str]) -> list[ProcessUsage]:
    """Processes that tell their own CPU and memory, as Prometheus clients do."""
    found = [_of_source(run, source) for source in sources]
    return [one for one in found if one.t.size]


def _of_source(run: Run, source: str) -> ProcessUsage:
    counter = run.target.series(source, "process_cpu_seconds_total")
    return _usage(run, source, *since_start(*counter), _peak(memory(run, source)[1]))


def _peak(values: Floats) -> float:
    return float(values.max()) if values.size else float("nan")


def _of_stack(run: Run, name: str) -> ProcessUsage:
    counter = run.target.series("stack", CPU, process=name)
    return _usage(run, name, *since_start(*counter), _peak(memory(run, name)[1]))


def _of_worker(run: Run, name: str) -> ProcessUsage:
    lines = run.ledgers[name]
    t = np.array([line.t for line in lines], dtype=np.float64)
    cpu = np.array([line.cpu_s for line in lines], dtype=np.float64)
    return _usage(run, LOADER + name, t, cpu, float("nan"))


def since_start(t: Floats, counter: Floats) -> tuple[Floats, Floats]:
    """Readings from the last before load started to the last one: answers are awaited after the load."""
    first = max(int(np.searchsorted(t, 0.0, side="right")) - 1, 0)
    return t[first:], counter[first:]


def rates(t: Floats, counter: Floats) -> tuple[Floats, Floats]:
    """(interval ends, increase per second) of a counter; one that fell began again at 0."""
    spans = np.diff(t)
    real = spans > 0
    return t[1:][real], _steps(counter)[real] / spans[real]


def _steps(counter: Floats) -> Floats:
    steps = np.diff(counter)
    return np.where(steps < 0, counter[1:], steps)


def _usage(run: Run, name: str, t: Floats, counter: Floats, memory: float) -> ProcessUsage:
    ends, cores = rates(t, counter)
    total = float(_steps(counter).sum())
    peak = float(cores.max()) if cores.size else float("nan")
    return ProcessUsage(name, total, mean(run, t, counter), peak, memory, ends, cores)


def mean(run: Run, t: Floats, counter: Floats) -> float:
    """A counter's increase per second while load was sent, as far as there are readings."""
    first, last = (max(0.0, t[0]), min(run.load_end, t[-1])) if len(t) else (0.0, 0.0)
    if last <= first:
        return float("nan")
    risen = np.concatenate(([0.0], np.cumsum(_steps(counter))))
    before, after = np.interp([first, last], t, risen)
    return float((after - before) / (last - first))
