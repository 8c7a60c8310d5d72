"""One sink with this run's queue before it and the sender that empties it; several stand beside each other.

What happens to one is nothing to the others: each has its own bytes on disk, its own waits, its own counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from telemetry.delivery.sender import Say, Sender
from telemetry.delivery.sink import Sink
from telemetry.delivery.spool import MAX_BYTES, Spool, abandoned
from telemetry.points.point import DataPoint


class Outlet:
    """A sink's queue is `<root>/<the sink's place>/<queue>`. Raises BusyError and OSError as a spool does."""

    def __init__(self, sink: Sink, root: Path, queue: str, say: Say, max_bytes: int = MAX_BYTES) -> None:
        place = root / sink.place
        self._sink = sink
        self._spool = Spool(place / queue, max_bytes)
        self._sender = Sender(sink, self._spool, abandoned(place), say)

    def start(self) -> None:
        """Begin to send."""
        self._sender.start()

    def put(self, points: Iterable[DataPoint]) -> None:
        """Spool what the sink takes of these points, and have it sent."""
        for batch in self._sink.encode(points):
            self._spool.append(batch)
            self._sender.more()

    def end(self, seconds: float) -> None:
        """Send for at most `seconds` more; `join` waits for that."""
        self._sender.end(seconds)

    def join(self) -> None:
        """Wait until it has ended."""
        self._sender.join()

    def close(self) -> None:
        """Give the queue up."""
        self._spool.close()
        self._sink.close()

    def counts(self) -> dict[str, Any]:
        """Points acknowledged, on disk, given up; of earlier runs; held already; whose these are."""
        return {
            "sink": self._sink.name,
            "written": self._sender.written,
            "spooled": self._spool.points,
            "dropped": self._spool.dropped,
            "replayed": self._sender.replayed,
            "held": self._spool.held,
            "last_error": self._sender.last_error,
            "place": self._sink.place,
            "queue": self._spool.folder.name,
        }
