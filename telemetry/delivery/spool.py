"""Points that a database has not acknowledged, on disk, in order: one queue of segment files a run and sink.

    <root>/<destination>/<run>-<pid>/000000001-250.lp     250 lines, written whole or not at all
                                     refused.lp           lines that the database will never take
                                     lock                 held (flock) by the process that uses the queue

Every line goes through here before it is sent, and a segment is removed only when all of it was
acknowledged: so whatever dies, nothing is lost, and memory holds names alone. What was sent and not yet
removed is sent again, which is harmless: the same point counts once.

A batch that is put in at once stays together: a segment is sent whole, by itself or with those beside it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Final

SEGMENT: Final = 5000  # lines
MAX_BYTES: Final = 512 * 1024 * 1024
REFUSED: Final = "refused.lp"


class BusyError(Exception):
    """Another process uses the queue."""


@dataclass(frozen=True)
class Segment:
    """One file of a queue."""

    path: Path
    points: int
    size: int

    def lines(self) -> list[str]:
        """Its lines, which may hold whatever Unicode calls the end of one."""
        return self.path.read_bytes().decode().split("\n")[:-1]


class Spool:
    """A queue, ours until `close`. Raises BusyError if another process has it, OSError if it cannot be."""

    def __init__(self, folder: Path, max_bytes: int = MAX_BYTES) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.dropped = 0
        self.held = 0  # that the database had already, counted by who sends
        self._lock_file = _locked(folder / "lock")
        self._max_bytes = max_bytes
        self._guard = Lock()
        self._segments = deque(_segments(folder))
        self._next = 1 + max((int(one.path.name.partition("-")[0]) for one in self._segments), default=0)

    @property
    def points(self) -> int:
        """How many lines wait."""
        with self._guard:
            return sum(one.points for one in self._segments)

    def append(self, lines: Sequence[str]) -> None:
        """Keep the lines; what finds no room on the disk, or in `max_bytes`, is counted in `dropped`."""
        for first in range(0, len(lines), SEGMENT):
            part = lines[first : first + SEGMENT]
            segment = self._write(part)
            if segment is None:
                self.dropped += len(part)
            else:
                with self._guard:
                    self._segments.append(segment)

    def _write(self, lines: Sequence[str]) -> Segment | None:
        data = "".join(f"{line}\n" for line in lines).encode()
        if self._bytes() + len(data) > self._max_bytes:
            return None
        path = self.folder / f"{self._next:09d}-{len(lines)}.lp"
        partial = path.with_suffix(".tmp")
        try:
            partial.write_bytes(data)
            partial.rename(path)
        except OSError:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)
            return None
        self._next += 1
        return Segment(path, len(lines), len(data))

    def _bytes(self) -> int:
        with self._guard:
            return sum(one.size for one in self._segments)

    def head(self, most: int = SEGMENT) -> list[Segment]:
        """The oldest segments, up to `most` lines together, at least one if any waits."""
        taken: list[Segment] = []
        with self._guard:
            for segment in self._segments:
                if taken and sum(one.points for one in taken) + segment.points > most:
                    break
                taken.append(segment)
        return taken

    def acknowledge(self, segments: Sequence[Segment]) -> None:
        """All lines of these oldest segments are in the database, or refused for good."""
        with self._guard:
            for segment in segments:
                assert self._segments.popleft() is segment
                segment.path.unlink(missing_ok=True)

    def refuse(self, line: str) -> None:
        """The database will never take this line: keep it for a reader, count it in `dropped`."""
        self.dropped += 1
        with contextlib.suppress(OSError), (self.folder / REFUSED).open("a") as file:
            file.write(line + "\n")

    def reject(self, points: int, why: str) -> None:
        """The database took a request but for so many of its points: say it to a reader, count them."""
        self.dropped += points
        with contextlib.suppress(OSError), (self.folder / REFUSED).open("a") as file:
            file.write(f"# {points} points of a request that was taken: {why}\n")

    def close(self) -> None:
        """Give the queue up; an empty one is removed."""
        with contextlib.suppress(OSError):
            if not self._segments and not (self.folder / REFUSED).exists():
                (self.folder / "lock").unlink()
                self.folder.rmdir()
        os.close(self._lock_file)


def abandoned(place: Path) -> Iterator[Spool]:
    """The queues under one destination's folder that no process uses, oldest first; each is ours then."""
    folders = [path for path in place.iterdir() if path.is_dir()] if place.is_dir() else []
    for folder in sorted(folders, key=_age):
        if next(iter(_segments(folder)), None) is not None:
            with contextlib.suppress(BusyError, OSError):
                yield Spool(folder)


def _age(folder: Path) -> float:
    with contextlib.suppress(OSError):
        return folder.stat().st_mtime
    return 0.0


def _segments(folder: Path) -> list[Segment]:
    return [
        Segment(path, int(path.stem.partition("-")[2]), path.stat().st_size)
        for path in sorted(folder.glob("[0-9]*-[0-9]*.lp"))
    ]


def _locked(path: Path) -> int:
    lock_file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock_file)
        raise BusyError(str(path)) from None
    return lock_file
