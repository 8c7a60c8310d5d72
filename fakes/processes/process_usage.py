"""CPU and memory of the stack's processes, by psutil.

CPU seconds are user + system. For those that start others (Postgres; a real edge, whose further workerds and
companion are its children) they cover the process, all below it that live, and all that any of these has
waited for, so that what came and went is counted too.
Memory is RSS; with children it is the sum of what each process has for itself, plus what they share once
(each process's RSS holds those of the pages that it touched).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import psutil

# A guest's time is in its user's too; interrupts are mostly this run's own packets, and no process's.
NOT_COUNTED: Final = ("idle", "iowait", "guest", "guest_nice", "irq", "softirq")


FAMILIES: Final = ("postgres", "edge")


class CpuAndMemory(NamedTuple):
    """Of one process: CPU seconds since it began, and resident bytes now."""

    cpu_s: float
    rss: float


def of_all(pids: Mapping[str, int | None]) -> dict[str, CpuAndMemory]:
    """Name → figures, for the processes that run; `FAMILIES` with their children."""
    found = {}
    for name, pid in pids.items():
        figures = None if pid is None else family(pid) if name in FAMILIES else single(pid)
        if figures is not None:
            found[name] = figures
    return found


def whole_machine() -> float:
    """CPU seconds that its processes used since it began, and those that its host took."""
    times = psutil.cpu_times()._asdict()
    return float(sum(seconds for name, seconds in times.items() if name not in NOT_COUNTED))


def single(pid: int) -> CpuAndMemory | None:
    """Figures of one process alone; None if it is gone."""
    try:
        process = psutil.Process(pid)
        with process.oneshot():
            times = process.cpu_times()
            return CpuAndMemory(times.user + times.system, process.memory_info().rss)
    except psutil.Error:
        return None


def family(pid: int) -> CpuAndMemory | None:
    """Figures of a process with all that it started; None if it is gone."""
    try:
        head = psutil.Process(pid)
        everyone = [head, *head.children(recursive=True)]
    except psutil.Error:
        return None
    parts = [part for part in map(_part, everyone) if part is not None]
    return CpuAndMemory(sum(part[0] for part in parts), _memory(part[1:] for part in parts))


def _part(process: psutil.Process) -> tuple[float, int, int] | None:
    try:
        with process.oneshot():
            times, memory = process.cpu_times(), process.memory_info()
    except psutil.Error:
        return None
    waited = getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
    return times.user + times.system + waited, memory.rss, getattr(memory, "shared", 0)


def _memory(parts: Iterable[tuple[int, ...]]) -> float:
    sizes = list(parts)
    own = sum(rss - shared for rss, shared in sizes)
    return own + max((shared for _, shared in sizes), default=0)
