"""How long a thread was ready to run while others had the CPU: what the Linux kernel counts of it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

COUNTS: Final = Path("/proc/thread-self/schedstat")  # nanoseconds on a CPU, waiting for one, and turns


def cpu_wait(counts: Path = COUNTS) -> float:
    """Seconds since the calling thread began; NaN where the kernel does not count."""
    try:
        return int(counts.read_bytes().split()[1]) / 1e9
    except OSError:
        return float("nan")
