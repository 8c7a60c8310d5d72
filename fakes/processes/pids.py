"""Who a process id belongs to: a number is used again, a number with its time of birth is not."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Final

import psutil

PROC: Final = Path("/proc")


def born(pid: int) -> float | None:
    """When this process began, on a scale of the machine's own; None if it is gone or a zombie.

    On Linux it is the kernel's count of ticks since boot, which no change of the clock moves.
    """
    if not (PROC / "self").exists():
        return _born_elsewhere(pid)
    try:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else float(fields[19])


def _born_elsewhere(pid: int) -> float | None:
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.Error:
        return None


def send(pid: int, birth: float, number: int) -> bool:
    """Send a signal to the process that was born then; False if it is no more."""
    if born(pid) != birth:
        return False
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def living_in(folder: Path, name: str) -> list[tuple[int, float]]:
    """Programs of this name that work in the folder, with their births (a visitor's shell is none)."""
    found = []
    for process in psutil.process_iter(["cwd", "name"]):
        cwd = process.info["cwd"] if process.info["name"] == name else None
        birth = born(process.pid) if cwd and _inside(Path(cwd.removesuffix(" (deleted)")), folder) else None
        if birth is not None:
            found.append((process.pid, birth))
    return found


def _inside(path: Path, folder: Path) -> bool:
    return path == folder or folder in path.parents


def kill_all(those: list[tuple[int, float]]) -> None:
    """SIGKILL to each of these processes that is still the same."""
    for pid, birth in those:
        send(pid, birth, signal.SIGKILL)
