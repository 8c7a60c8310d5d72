"""How many calls in flight a workerd process has open files for.

A call holds the client's connection and one onward, to KV or to its origin, and workerd holds each connection
twice: it watches for a peer that leaves through a copy of the socket. That is FILES_A_CALL; connections that
idle at KV are kept few (`kv_connection`). A tenth is left for all else, as workerd ends when it may open no
more.
"""

from __future__ import annotations

import resource
from math import ceil
from pathlib import Path
from typing import Final

FILES_A_CALL: Final = 4
FILES_AT_ONCE: Final = 2  # of a call that has only just come
USABLE: Final = 0.9
KV_SHARE: Final = 40  # one connection in so many files may idle at KV
MOST: Final = 8  # processes at one port


def bears(limit: int) -> int:
    """Calls in flight that one process of so many open files holds."""
    return int(USABLE * limit) // FILES_A_CALL


def processes(calls: int, limit: int) -> int:
    """How many processes hold so many calls in flight, MOST at most."""
    return min(MOST, max(1, ceil(calls / bears(limit))))


def idle_at_kv(limit: int) -> int:
    """Connections to KV that a process keeps open while it does not need them."""
    return max(1, limit // KV_SHARE)


def limit_of(pid: int) -> int:
    """The files that a process may open."""
    return resource.prlimit(pid, resource.RLIMIT_NOFILE)[0]


def open_now(pid: int) -> int:
    """The files that a process has open. Raises OSError where it is gone."""
    folder = Path(f"/proc/{pid}/fd")
    return folder.stat().st_size or sum(1 for _ in folder.iterdir())  # the size is the count since Linux 6.2


def raise_limit() -> None:
    """Let this process, and what it becomes or starts, open as many files as the kernel gives."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = int(Path("/proc/sys/fs/nr_open").read_text())
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    except (ValueError, OSError):  # only root may go beyond what it was given
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
