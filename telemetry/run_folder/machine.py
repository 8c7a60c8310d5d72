"""The machine that makes the load, as `run.json` tells of it."""

from __future__ import annotations

import os
import platform
import resource
from pathlib import Path

import psutil
from msgspec import UNSET, Struct, UnsetType


class LoadMachine(Struct, frozen=True, kw_only=True):
    """`open_files_limit`: of the loading process; runs of before may not tell it."""

    cpu: str = ""
    cores: int
    memory_bytes: int = 0
    python: str = ""
    kernel: str = ""
    open_files_limit: int | UnsetType = UNSET


def machine() -> LoadMachine:
    """This machine."""
    return LoadMachine(
        cpu=_cpu_name(),
        cores=os.cpu_count() or 1,
        memory_bytes=psutil.virtual_memory().total,
        python=platform.python_version(),
        kernel=platform.release(),
        open_files_limit=resource.getrlimit(resource.RLIMIT_NOFILE)[0],
    )


def _cpu_name() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
