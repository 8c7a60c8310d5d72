"""Entries on their way to the master, kept until it has acknowledged them.

Numbered from 1. What is not acknowledged is sent again by `resend`; the journal drops repeats. So a
lost message costs time, never data, and the final entry is known to have arrived.

An acknowledgement also proves that the master was there after the entry was put: `heard` is when the newest
acknowledged entry was put. However old the news that a process finds when it wakes up, `heard` is no later.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any

from telemetry.recording.journal import FINAL

Send = Callable[[dict[str, Any]], None]


class Outbox:
    """Sends entries by `send` and remembers the unacknowledged ones."""

    def __init__(self, send: Send, clock: Callable[[], float] = time.monotonic) -> None:
        self.heard = float("-inf")  # monotonic seconds
        self._send = send
        self._clock = clock
        self._next = 1
        self._waiting: deque[tuple[float, dict[str, Any]]] = deque()
        self._final = False  # the last one was put

    def put(self, kind: str, data: Any) -> None:
        """Number an entry and send it."""
        self._final = kind == FINAL
        entry = {"number": self._next, "kind": kind, "data": data}
        self._next += 1
        self._waiting.append((self._clock(), entry))
        self._send(entry)

    def acknowledged(self, number: int) -> None:
        """The master has everything up to `number`."""
        while self._waiting and self._waiting[0][1]["number"] <= number:
            self.heard = self._waiting.popleft()[0]

    def resend(self) -> None:
        """Send again all that is not acknowledged."""
        for _, entry in list(self._waiting):
            self._send(entry)

    @property
    def done(self) -> bool:
        """The final entry was put, and everything was acknowledged."""
        return self._final and not self._waiting
