"""A nano in a scope of the user's own systemd: cgroup version 2 without root.

`systemd-run --user --scope` becomes the process itself, so its id and its open files stay. The scope is
systemd's: it makes it, and removes it when the process ends. Each start is a new one, so what the last one
had counted is kept here; the kernel's count of kills goes with the scope, so a kill is seen by the look
before the end, or not at all.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Final

from fakes.processes.cgroup import ROOT, CgroupError, CgroupFigures, CgroupLimits, version2_figures
from fakes.processes.memory_peak import MemoryPeak

NONE: Final = CgroupFigures(0, 0, 0, 0, 0, 0, 0)
SCOPE: Final = ("systemd-run", "--user", "--scope", "--quiet", "--collect")


def usable() -> bool:
    """Whether a scope with limits can be had."""
    if shutil.which("systemd-run") is None:
        return False
    words = [*SCOPE, "-p", "MemoryMax=256M", "-p", "CPUQuota=10%", "true"]
    try:
        return subprocess.run(words, check=False, capture_output=True, timeout=10).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


class Scope:
    """One scope a start."""

    folders: Sequence[Path] = ()

    def __init__(self, name: str, root: Path = ROOT) -> None:
        self._name, self._root = name, root
        self._starts = count(1)
        self._unit = ""
        self._limits = CgroupLimits(1 << 28, 0.1)
        self._before = self._last = NONE
        self._peak = MemoryPeak()

    def make(self, limits: CgroupLimits) -> None:
        """Nothing is made before a process starts."""
        self._limits = limits

    def limit(self, limits: CgroupLimits) -> None:
        """Other limits for the scope that runs, and the next."""
        self._limits = limits
        if not self._unit:
            return
        words = ["systemctl", "--user", "set-property", "--runtime", self._unit, *_properties(limits)]
        if subprocess.run(words, check=False, capture_output=True).returncode:
            raise CgroupError(f"{self._unit}: systemctl set-property refused")

    def entering(self, command: Sequence[str]) -> list[str]:
        """Through systemd-run."""
        self._before = _added(self._before, self._last)
        self._last, self._peak = NONE, MemoryPeak()
        self._unit = f"{self._name}-{next(self._starts)}.scope"
        options = (word for one in _properties(self._limits) for word in ("-p", one))
        return [*SCOPE, f"--unit={self._unit}", *options, "--", *command]

    def figures(self) -> CgroupFigures | None:
        """What all its scopes have counted, as far as it was seen."""
        folder = self._folder()
        self._last = (version2_figures(folder, self._peak) if folder is not None else None) or self._last
        return _added(self._before, self._last)

    def forget_peak(self) -> None:
        """That of the scopes before, and as far as the kernel does that of the one that runs."""
        self._before, self._last = (one._replace(memory_peak=0) for one in (self._before, self._last))
        if (folder := self._folder()) is not None:
            self._peak.forget(folder)

    def _folder(self) -> Path | None:
        return next(self._root.glob(f"**/{self._unit}"), None) if self._unit else None


def _properties(limits: CgroupLimits) -> list[str]:
    quota = "" if limits.cpu is None else f"{limits.cpu:.0%}"
    return [f"MemoryMax={limits.memory}", "MemorySwapMax=0", f"CPUQuota={quota}"]


def _added(before: CgroupFigures, now: CgroupFigures) -> CgroupFigures:
    """Counters go on, what is used is of now, the peak is the higher one."""
    counted = [one + other for one, other in zip(before[2:], now[2:], strict=True)]
    return CgroupFigures(now.memory, max(before.memory_peak, now.memory_peak), *counted)
