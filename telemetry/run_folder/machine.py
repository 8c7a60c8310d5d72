"""The machine that makes the load, as `run.json` tells of it."""

from __future__ import annotations

import os
import platform
import resource
from pathlib import Path

from msgspec import UNSET, Struct, UnsetType


class LoadMachine(Struct, frozen=True, kw_only=True):
    """`mhz`: the clock, where it is told. `open_files_limit`: of the loading process.

    Runs of before may not tell them.
    """

    cpu: str = ""
    cores: int
    mhz: float | UnsetType = UNSET
    memory_bytes: int = 0
    python: str = ""
    kernel: str = ""
    open_files_limit: int | UnsetType = UNSET

    @property
    def told(self) -> str:
        """Its processor in words: a tenth of one is another figure than a tenth of another."""
        clock = "" if self.mhz is UNSET else f", {self.mhz:.0f} MHz"
        return f"{self.cpu}, {self.cores} cores{clock}"


def machine() -> LoadMachine:
    """This machine."""
    import psutil  # who only reads what a run told of its machine needs none

    clock = _cpuinfo("cpu MHz")
    return LoadMachine(
        cpu=_cpuinfo("model name") or platform.processor() or platform.machine(),
        mhz=float(clock) if clock else UNSET,
        cores=os.cpu_count() or 1,
        memory_bytes=psutil.virtual_memory().total,
        python=platform.python_version(),
        kernel=platform.release(),
        open_files_limit=resource.getrlimit(resource.RLIMIT_NOFILE)[0],
    )


def _cpuinfo(key: str) -> str:
    """What the kernel tells of the first processor, "" where it does not."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(key)), "")
