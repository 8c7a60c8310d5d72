"""A sink: where points go. What is one database's own stands behind this; spool and sender know none of it.

Every sink has a queue of its own on disk, so one that is down holds up no other. It turns points into lines
of text, which wait in the queue, and sends them a request at a time. What it promises: the same request sent
again stores nothing twice.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, Protocol

from telemetry.points.point import DataPoint

CHECK_TIMEOUT: Final = 5.0  # seconds
LONGEST_WAIT: Final = 30.0  # seconds that a server may ask us to wait
NEVER: Final = math.inf  # a wait: not again, until a person has it sent
_HELD: Final = re.compile(r"out[ -]of[ -]order|duplicate", re.IGNORECASE)


class WriteResult(Enum):
    """What became of a write."""

    TAKEN = auto()
    LATER = auto()  # the server cannot or will not now: keep the points, try again
    BAD_POINTS = auto()  # at least one of the points will never be taken
    HELD = auto()  # at least one of the points it has already, or a later one of that series
    TOO_LARGE = auto()
    REFUSED = auto()  # this request it will never take, nor is a part of it to be tried


@dataclass(frozen=True)
class WriteReply:
    """`status` is HTTP's, 0 without an answer; `wait` is what the server asked for (s), or `NEVER`.

    `rejected`: points of a request that was taken which will never be stored; nobody says which.
    """

    answer: WriteResult
    status: int = 204
    said: str = ""
    wait: float = 0.0
    rejected: int = 0


class Writer(Protocol):
    """What the sender needs of a sink."""

    @property
    def name(self) -> str:
        """What people call it."""

    @property
    def most(self) -> int:
        """Lines of a request, where it may hold more than one batch."""

    def write(self, lines: Sequence[str], timeout: float | None = None) -> WriteReply:
        """Send the lines as one request; never raises for what the server or the wire does."""


class Sink(Writer, Protocol):
    """A destination. `place` is a short name for it, fit for a folder: that of its queues."""

    @property
    def place(self) -> str:
        """The destination's own, whatever the secrets are."""

    def encode(self, points: Iterable[DataPoint]) -> Iterator[list[str]]:
        """What it takes of these points, as lines, in batches that go out whole."""

    def close(self) -> None:
        """Close the connections."""


def asked_wait(retry_after: str) -> float:
    """Seconds that a `Retry-After` asks for, at most `LONGEST_WAIT`; 0 for a date or nonsense."""
    return min(float(retry_after), LONGEST_WAIT) if retry_after.isdigit() else 0.0


def already_there(said: str) -> bool:
    """Whether a server refuses points because it has them, or later ones of their series."""
    return _HELD.search(said) is not None


def told(text: str) -> str:
    """What a server said, short and in one line."""
    return " ".join(text.split())[:200]
