"""A nano instance for real: a process in a cgroup of its own, with 256 MiB and a tenth of a core.

    cgroup = available_cgroup.find("mcpist-1f2e-origin-a")    raises CgroupError where none may be made
    cgroup.make(CgroupLimits(256 << 20, 0.1))
    Popen(cgroup.entering(command))             the process is inside before it becomes the server
    cgroup.figures()                            what the kernel counted
    cgroup.folders                              to be removed once it is empty: `remove`, or the reaper

Memory is without swap, CPU a quota of each period of 100 ms. The kernel kills what goes over its memory,
and makes wait what goes over its CPU. Version 2 is one folder, version 1 one in each controller's tree.
The cgroup outlives the process, so its counts go on when the instance is started again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from fakes.processes.memory_peak import MemoryPeak

ROOT: Final = Path("/sys/fs/cgroup")
PERIOD: Final = 100_000  # microseconds
ENTER: Final = 'while [ "$1" != -- ]; do echo $$ > "$1" || exit 3; shift; done; shift; exec "$@"'


class CgroupError(RuntimeError):
    """No cgroup may be made here, as one line."""


class CgroupLimits(NamedTuple):
    """Bytes of memory, and cores (None: as many as there are)."""

    memory: int
    cpu: float | None


class CgroupFigures(NamedTuple):
    """What the kernel counted: bytes, seconds, periods, kills. `memory_peak` is since `forget_peak`."""

    memory: float
    memory_peak: float
    cpu_s: float
    periods: float
    throttled_periods: float
    throttled_s: float
    oom_kills: float


class Cgroup(Protocol):
    """What holds one process, and its next start."""

    @property
    def folders(self) -> Sequence[Path]:
        """What is to be removed in the end."""

    def make(self, limits: CgroupLimits) -> None:
        """Make it; raises CgroupError."""

    def limit(self, limits: CgroupLimits) -> None:
        """Other limits from now on; raises CgroupError."""

    def entering(self, command: Sequence[str]) -> list[str]:
        """The command that runs `command` inside, as the same process."""

    def figures(self) -> CgroupFigures | None:
        """What was counted so far; None where it cannot be read."""

    def forget_peak(self) -> None:
        """Start the peak anew."""


class Version1:
    """A folder in each controller's tree."""

    def __init__(self, name: str, root: Path = ROOT) -> None:
        self._memory, self._cpu, self._account = (
            root / controller / name for controller in ("memory", "cpu", "cpuacct")
        )

    @property
    def folders(self) -> list[Path]:
        """One a controller; two controllers may share a tree."""
        found = {folder.resolve(): folder for folder in (self._memory, self._cpu, self._account)}
        return list(found.values())

    def make(self, limits: CgroupLimits) -> None:
        """Make the folders."""
        _mkdir(self.folders)
        self.limit(limits)

    def limit(self, limits: CgroupLimits) -> None:
        """Memory and swap together hold no more than memory alone."""
        _write(self._memory / "memory.swappiness", 0)
        both = self._memory / "memory.memsw.limit_in_bytes"
        with contextlib.suppress(CgroupError):  # it may not be below memory's, nor memory's above it
            _write(both, limits.memory)
        _write(self._memory / "memory.limit_in_bytes", limits.memory)
        if both.exists():
            _write(both, limits.memory)
        _write(self._cpu / "cpu.cfs_period_us", PERIOD)
        _write(self._cpu / "cpu.cfs_quota_us", -1 if limits.cpu is None else round(limits.cpu * PERIOD))

    def entering(self, command: Sequence[str]) -> list[str]:
        """Through a shell that moves itself first."""
        return _entering(self.folders, command)

    def figures(self) -> CgroupFigures | None:
        """From the three trees."""
        try:
            cpu, oom = _table(self._cpu / "cpu.stat"), _table(self._memory / "memory.oom_control")
            return CgroupFigures(
                _number(self._memory / "memory.usage_in_bytes"),
                _number(self._memory / "memory.max_usage_in_bytes"),
                _number(self._account / "cpuacct.usage") / 1e9,
                cpu["nr_periods"], cpu["nr_throttled"], cpu["throttled_time"] / 1e9,
                oom.get("oom_kill", 0.0),
            )  # fmt: skip
        except (OSError, LookupError, ValueError):
            return None

    def forget_peak(self) -> None:
        """The kernel starts anew at any write."""
        with contextlib.suppress(CgroupError):
            _write(self._memory / "memory.max_usage_in_bytes", 0)


class Version2:
    """One folder. `parent` must lend the controllers memory and cpu."""

    def __init__(self, name: str, parent: Path = ROOT) -> None:
        self._parent, self._folder = parent, parent / name
        self._peak = MemoryPeak()

    @property
    def folders(self) -> list[Path]:
        """The one."""
        return [self._folder]

    def make(self, limits: CgroupLimits) -> None:
        """Make the folder."""
        lent = self._parent / "cgroup.subtree_control"
        if not {"memory", "cpu"} <= set(lent.read_text().split()):
            _write(lent, "+memory +cpu")
        _mkdir(self.folders)
        self.limit(limits)

    def limit(self, limits: CgroupLimits) -> None:
        """Swap is none at all."""
        swap = self._folder / "memory.swap.max"
        if swap.exists():
            _write(swap, 0)
        _write(self._folder / "memory.max", limits.memory)
        quota = "max" if limits.cpu is None else round(limits.cpu * PERIOD)
        _write(self._folder / "cpu.max", f"{quota} {PERIOD}")

    def entering(self, command: Sequence[str]) -> list[str]:
        """Through a shell that moves itself first."""
        return _entering(self.folders, command)

    def figures(self) -> CgroupFigures | None:
        """From the one folder."""
        return version2_figures(self._folder, self._peak)

    def forget_peak(self) -> None:
        """As far as the kernel does."""
        self._peak.forget(self._folder)


def version2_figures(folder: Path, peak: MemoryPeak) -> CgroupFigures | None:
    """What a version 2 cgroup counted, with the highest memory of its own `peak`."""
    try:
        cpu, events = _table(folder / "cpu.stat"), _table(folder / "memory.events")
        used = _number(folder / "memory.current")
        return CgroupFigures(
            used, peak.read(folder, used), cpu["usage_usec"] / 1e6,
            cpu["nr_periods"], cpu["nr_throttled"], cpu["throttled_usec"] / 1e6, events["oom_kill"],
        )  # fmt: skip
    except (OSError, LookupError, ValueError):
        return None


def remove(folders: Sequence[Path]) -> bool:
    """Remove what is empty of processes; whether nothing is left."""
    for folder in folders:
        with contextlib.suppress(OSError):
            folder.rmdir()
    return not any(folder.exists() for folder in folders)


def _mkdir(folders: Sequence[Path]) -> None:
    for folder in folders:
        if not folder.parent.is_dir():
            raise CgroupError(f"{folder.parent} is not there")
        try:
            folder.mkdir(exist_ok=True)
        except OSError as error:
            raise CgroupError(f"{folder}: {error.strerror}") from None


def _write(file: Path, value: object) -> None:
    try:
        file.write_text(str(value))
    except OSError as error:
        raise CgroupError(f"{file}: {error.strerror}") from None


def _entering(folders: Sequence[Path], command: Sequence[str]) -> list[str]:
    return ["/bin/sh", "-c", ENTER, "nano", *(str(one / "cgroup.procs") for one in folders), "--", *command]


def _number(file: Path) -> float:
    return float(file.read_text())


def _table(file: Path) -> dict[str, float]:
    """Lines of a name and a number."""
    return {name: float(value) for name, value in map(str.split, file.read_text().splitlines())}
