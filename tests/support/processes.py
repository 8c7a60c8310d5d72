"""Whether processes are over.

An orphan that has ended stays a zombie where PID 1 takes no notice, as in many a container. It is over
all the same.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

import psutil


def alive(process: psutil.Process | int) -> bool:
    """It runs, or may run again; by its number where that is all there is."""
    try:
        found = psutil.Process(process) if isinstance(process, int) else process
        return found.is_running() and found.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def left(those: Iterable[psutil.Process | int], within: float = 5.0) -> list[psutil.Process | int]:
    """Which are still alive after so many seconds; the empty list as soon as none is."""
    until, waited = time.monotonic() + within, list(those)
    while (found := [one for one in waited if alive(one)]) and time.monotonic() < until:
        time.sleep(0.02)
    return found
