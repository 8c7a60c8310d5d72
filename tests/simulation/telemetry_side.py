"""The exporter's process and its database: the product's spool and sender, and every point accounted for.

The database takes points, is away for a while, takes them and is not heard, refuses a point for good, or
finds a batch too large. A point is its line: sent again it replaces itself.
"""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final, cast

import gevent
from gevent.event import Event

from telemetry.delivery import spool as spools
from telemetry.delivery.sender import Sender
from telemetry.delivery.sink import WriteReply, WriteResult
from telemetry.delivery.spool import Spool
from tests.simulation.disk import Disk, SimulatedPath
from tests.simulation.loop import Process, SimulatedLoop

ROOT: Final = "/spool/db"
POINTS: Final = 6  # lines a put
TOO_MANY: Final = 8  # lines of a batch, while they are too large
LONGEST: Final = 0.05  # seconds of a write


class Thread:
    """What the sender asks of a thread, as a greenlet."""

    def __init__(self, target: Callable[[], None], **_: Any) -> None:
        self._greenlet = gevent.Greenlet(target)
        self.start = self._greenlet.start

    def join(self, seconds: float) -> None:
        self._greenlet.join(seconds)


class Database:
    """What it holds, and how it answers now."""

    name = "InfluxDB"
    most = spools.SEGMENT

    def __init__(self, random: Random) -> None:
        self.points: Counter[str] = Counter()
        self.away = self.deaf = self.picky = self.small = False
        self._random = random

    def write(self, lines: Sequence[str], timeout: float | None = None) -> WriteReply:
        """One request."""
        gevent.sleep(self._random.random() * LONGEST)
        if self.away:
            return WriteReply(WriteResult.LATER, 503, "away")
        if self.small and len(lines) > TOO_MANY:
            return WriteReply(WriteResult.TOO_LARGE, 413)
        if self.picky and any(line.endswith("7") for line in lines):
            return WriteReply(WriteResult.BAD_POINTS, 400)
        self.points.update(dict.fromkeys(lines, 1))
        if self.deaf:
            return WriteReply(WriteResult.LATER, 0, "timed out")
        return WriteReply(WriteResult.TAKEN)


class Exporter:
    """One exporter's process: puts points each second until it is told to end, or dies."""

    def __init__(
        self, loop: SimulatedLoop, process: Process, disk: Disk, database: Database, made: list[str]
    ) -> None:
        self.process = process
        self.dropped_before = 0
        self.over = False
        self._made = made
        self._place = disk.path(ROOT)
        self._place.mkdir()
        self.spool = Spool(cast(Any, self._place / f"run-{process.name}"))
        self.opened = [self.spool]
        self.sender = Sender(
            database, self.spool, self._abandoned(), lambda text: None, process.clock, Thread, Event
        )

    def _abandoned(self) -> Any:
        for one in spools.abandoned(cast(Any, self._place)):
            self.opened.append(one)
            yield one
            self.dropped_before += one.dropped  # the sender has closed it
            self.opened.remove(one)

    def run(self) -> None:
        """Follow the run."""
        self.sender.start()
        while not self.over:
            gevent.sleep(1.0)
            lines = [f"requests,run=r v=1i {len(self._made) + number}" for number in range(POINTS)]
            self._made += lines
            self.spool.append(lines)
            self.sender.more()

    def finish(self) -> None:
        """The run is over."""
        self.over = True
        self.sender.finish(3.0)

    def release(self) -> None:
        """What a kernel does with the locks of a process that is gone."""
        for one in self.opened:
            with contextlib.suppress(OSError):
                os.close(one._lock_file)
            one._lock_file = -1

    @property
    def dropped(self) -> int:
        return self.dropped_before + sum(one.dropped for one in self.opened)


def spooled(disk: Disk) -> list[str]:
    """The lines that wait on disk."""
    names = [name for name in disk.files if name.startswith(ROOT) and name.endswith(".lp")]
    waiting = [name for name in names if not name.endswith(spools.REFUSED)]
    return [line for name in waiting for line in SimulatedPath(disk, name).read_text().splitlines()]
