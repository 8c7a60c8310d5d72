"""Which runs of this checkout are under way, and which stacks, so that `make stop` can end them.

A leading process has a file `results/.running/<pid>.json`: who it is (its id and when it started, in the
kernel's own ticks since the boot: a clock that is set changes nothing, and a number that was given to another
process meanwhile is told apart), what it does, and the signal that it hears as the wish to end. The process
itself may go on (a web UI). Where `results/` cannot be written the files are in the system's temp folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from common.ending import STOP, by
from common.files.atomic_write import write_whole

REASON: Final = by(STOP)
ALLOWED: Final = (STOP, signal.SIGTERM)


@dataclass(frozen=True)
class Running:
    """One of them; `what` is the run's or the suite's folder, or a word for what has none."""

    pid: int
    ticks: int
    what: str
    signal: int = STOP

    @property
    def alive(self) -> bool:
        """The process is there, and it is the one that wrote the file."""
        return _ticks(self.pid) == self.ticks


@contextlib.contextmanager
def announced(results: Path, what: Path) -> Iterator[None]:
    """This process is a run's or a suite's for the length of the block; `STOP` must be handled by now."""
    file = announce(results, str(what))
    try:
        yield
    finally:
        if file is not None:
            with contextlib.suppress(OSError):  # whoever reads it sees that the process is gone
                file.unlink()


def announce(results: Path, what: str, number: int = STOP, pid: int | None = None) -> Path | None:
    """This process is one, whatever it becomes, until it ends; its file, None where it can have none.

    `pid`: a child is it, which was started holding its signals (`common.ending`).
    """
    pid = os.getpid() if pid is None else pid
    me = Running(pid, _ticks(pid) or 0, what, number)
    for place in _places(results):
        with contextlib.suppress(OSError):
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            if _ours(place):
                write_whole(place / f"{me.pid}.json", json.dumps(asdict(me)))
                return place / f"{me.pid}.json"
    return None


def withdraw(results: Path) -> None:
    """This process is none after all, and leaves no trace."""
    for place in _places(results):
        with contextlib.suppress(OSError):
            (place / f"{os.getpid()}.json").unlink()
            place.rmdir()  # unless others are there


def under_way(results: Path) -> list[Running]:
    """All that still run; files of processes that are gone are removed."""
    found = []
    for file in (file for place in _places(results) if _ours(place) for file in sorted(place.glob("*.json"))):
        one = _read(file)
        if one is not None and one.alive:
            found.append(one)
        elif one is not None:
            with contextlib.suppress(OSError):
                file.unlink()
    return found


def _places(results: Path) -> tuple[Path, Path]:
    known = hashlib.sha256(str(results.resolve()).encode()).hexdigest()[:12]
    return results / ".running", Path(tempfile.gettempdir()) / f"resilience-{os.getuid()}-{known}"


def _ours(place: Path) -> bool:
    """Nobody else can have put files there."""
    try:
        found = place.lstat()
    except OSError:
        return False
    return place.is_dir() and not place.is_symlink() and found.st_uid in (os.getuid(), 0)


def _read(file: Path) -> Running | None:
    try:
        one = Running(**json.loads(file.read_bytes()))
        return one if one.pid > 1 and one.signal in ALLOWED else None
    except (OSError, ValueError, TypeError):  # gone meanwhile, or not ours
        return None


def _ticks(pid: int) -> int | None:
    """When a process started, in ticks since the boot; None where it is gone, or ended already."""
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (OSError, ValueError):
        return None
    return None if state in "ZX" else int(fields[18])


def tell(one: Running) -> None:
    """Ask it to end its run; nothing happens where it ended meanwhile."""
    if one.alive:
        with contextlib.suppress(ProcessLookupError):
            os.kill(one.pid, one.signal)
