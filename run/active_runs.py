"""Which runs of this checkout are under way, so that `make stop` can end them.

A leading process has a file `results/.running/<pid>.json` while it runs: who it is (its command line and when
it started, so that a number which the system gave to another process meanwhile is never taken for it) and
what it does. It hears `SIGNAL` as the wish to end the run; the process itself may go on (a web UI).
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from common.atomic_write import write_whole

SIGNAL: Final = signal.SIGUSR1
REASON: Final = "stopped by make stop"
SAME: Final = 2.0  # seconds that two readings of a process's start may differ


@dataclass(frozen=True)
class Running:
    """One of them; `what` is the run's or the suite's folder."""

    file: Path
    pid: int
    started: float
    command: list[str]
    what: str

    @property
    def alive(self) -> bool:
        """The process is there, and it is the one that wrote the file."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started) <= SAME and process.cmdline() == self.command
            return same and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False


@contextlib.contextmanager
def announced(results: Path, what: Path) -> Iterator[None]:
    """This process is a run's or a suite's for the length of the block; `SIGNAL` must be handled by now."""
    me = psutil.Process()
    folder = results / ".running"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{me.pid}.json"
    told = {"pid": me.pid, "started": me.create_time(), "command": me.cmdline(), "what": str(what)}
    write_whole(file, json.dumps(told))
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def under_way(results: Path) -> list[Running]:
    """All that still run; files of processes that are gone are removed."""
    found = [_read(file) for file in sorted((results / ".running").glob("*.json"))]
    for one in (known := [one for one in found if one is not None]):
        if not one.alive:
            one.file.unlink(missing_ok=True)
    return [one for one in known if one.alive]


def _read(file: Path) -> Running | None:
    try:
        return Running(file=file, **json.loads(file.read_text()))
    except (OSError, ValueError, TypeError):  # gone meanwhile, or not ours
        return None


def tell(one: Running) -> None:
    """Ask it to end its run; nothing happens where it ended meanwhile."""
    if one.alive:
        with contextlib.suppress(ProcessLookupError):
            os.kill(one.pid, SIGNAL)
