"""Two calls of the C library that Python has no name for."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path
from typing import Final

PR_SET_PDEATHSIG: Final = 1
# Loaded here, not between fork and exec, where a lock of another thread would never be released.
_libc: Final = ctypes.CDLL(None)


def remove_shared_memory(postmaster_pid: Path) -> None:
    """Remove the few bytes of System V memory that a postmaster killed by -9 leaves behind.

    Only memory of the file's own owner: as root we could remove anybody's, and the file is not ours.
    """
    try:
        with os.fdopen(os.open(postmaster_pid, os.O_RDONLY | os.O_NOFOLLOW)) as file:
            segment, owner = int(file.read().splitlines()[6].split()[1]), os.fstat(file.fileno()).st_uid
    except (OSError, IndexError, ValueError):
        return
    if os.geteuid() != 0 or _owner_of(segment) == owner:
        _libc.shmctl(segment, 0, None)


def _owner_of(segment: int) -> int | None:
    """The user id that a piece of System V memory belongs to."""
    lines = Path("/proc/sysvipc/shm").read_text().splitlines()[1:]
    owners = {int(words[1]): int(words[7]) for words in map(str.split, lines)}  # key, shmid, …, uid
    return owners.get(segment)


def die_with_parent() -> None:
    """Between fork and exec: have Linux end this process when the thread that started it does."""
    if sys.platform == "linux":
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)
