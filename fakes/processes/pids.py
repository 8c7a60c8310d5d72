"""Who a process id belongs to: a number is used again, a number with its time of start is not."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Final

import psutil

PROC: Final = Path("/proc")


def start_time(pid: int) -> float | None:
    """When this process began, on a scale of the machine's own; None if it is gone or a zombie.

    On Linux it is the kernel's count of ticks since boot, which no change of the clock moves.
    """
    if not (PROC / "self").exists():
        return _start_time_elsewhere(pid)
    try:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else float(fields[19])


def stopped(pid: int) -> bool:
    """Whether it stands still, as after SIGSTOP."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_STOPPED)
    except psutil.Error:
        return False


def _start_time_elsewhere(pid: int) -> float | None:
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.Error:
        return None


def send(pid: int, started: float, number: int) -> bool:
    """Send a signal to the process that started then; False if it is no more."""
    if start_time(pid) != started:
        return False
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def programs_in(folder: Path, name: str) -> list[tuple[int, float]]:
    """Programs of this name that work in the folder, with their starts (a visitor's shell is none)."""
    found = []
    for process in psutil.process_iter(["cwd", "name"]):
        cwd = process.info["cwd"] if process.info["name"] == name else None
        started = (
            start_time(process.pid) if cwd and _inside(Path(cwd.removesuffix(" (deleted)")), folder) else None
        )
        if started is not None:
            found.append((process.pid, started))
    return found


def _inside(path: Path, folder: Path) -> bool:
    return path == folder or folder in path.parents


def kill_all(those: list[tuple[int, float]]) -> None:
    """SIGKILL to each of these processes that is still the same."""
    for pid, started in those:
        send(pid, started, signal.SIGKILL)
