"""Entries on their way to the master, kept until it has acknowledged them.

Numbered from 1. What is not acknowledged is sent again by `resend`; the journal drops repeats. So a
lost message costs time, never data, and the final entry is known to have arrived.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

Send = Callable[[dict[str, Any]], None]


class Outbox:
    """Sends entries by `send` and remembers the unacknowledged ones."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._next = 1
        self._waiting: deque[dict[str, Any]] = deque()

    def put(self, kind: str, data: Any) -> None:
        """Number an entry and send it."""
        entry = {"number": self._next, "kind": kind, "data": data}
        self._next += 1
        self._waiting.append(entry)
        self._send(entry)

    def acknowledged(self, number: int) -> None:
        """The master has everything up to `number`."""
        while self._waiting and self._waiting[0]["number"] <= number:
            self._waiting.popleft()

    def resend(self) -> None:
        """Send again all that is not acknowledged."""
        for entry in list(self._waiting):
            self._send(entry)

    @property
    def empty(self) -> bool:
        """Everything was acknowledged."""
        return not self._waiting
