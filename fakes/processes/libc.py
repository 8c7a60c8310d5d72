"""Two calls of the C library that Python has no name for."""

from __future__ import annotations

import ctypes
import signal
import sys
from pathlib import Path
from typing import Final

PR_SET_PDEATHSIG: Final = 1
# Loaded here, not between fork and exec, where a lock of another thread would never be released.
_libc: Final = ctypes.CDLL(None)


def remove_shared_memory(postmaster_pid: Path) -> None:
    """Remove the few bytes of System V memory that a postmaster killed by -9 leaves behind."""
    try:
        segment = int(postmaster_pid.read_text().splitlines()[6].split()[1])
    except (OSError, IndexError, ValueError):
        return
    _libc.shmctl(segment, 0, None)


def die_with_parent() -> None:
    """Between fork and exec: have Linux end this process when the thread that started it does."""
    if sys.platform == "linux":
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)
