"""Asks the target's health check once a second, on a connection of its own, and counts failures in a row.

A check is good with a 2xx within `TIMEOUT`. Redirects are not followed; none of it is in the ledger.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import gevent

from telemetry.recording.sample import REASONS, Outcome
from users.transport.call import Call
from users.transport.client import Client
from users.transport.endpoint import Endpoint

INTERVAL: Final = 1.0  # seconds
TIMEOUT: Final = 5.0  # seconds; the gateway's own check may take 3 until it says 503


def get(path: str, host: str, headers: dict[str, str] | None = None) -> bytes:
    """A whole GET request."""
    lines = {"Host": host, "Accept": "*/*", **(headers or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"GET {path} HTTP/1.1\r\n{head}\r\n".encode("latin-1")


class HealthWatch:
    """`failures`: how many checks failed since the last good one; `last`: what the last one was told."""

    def __init__(
        self,
        endpoint: Endpoint,
        request: bytes,
        *,
        clock: Callable[[], float] = time.monotonic,
        loop: Any = None,
    ) -> None:
        self.failures = 0
        self.last = ""
        self._request = request
        self._clock = clock
        self._client = Client(endpoint, self.told, timeout=TIMEOUT, clock=clock, loop=loop)

    def ask(self) -> None:
        """Send one check; its end is told to `told`."""
        call = Call(-1, self._clock(), 0, 0, 0)
        call.request = self._request
        self._client.send(call)

    def told(self, call: Call) -> None:
        """A check is over; one that never went out says nothing about the target."""
        if call.outcome in (Outcome.ABORTED, Outcome.DROPPED):
            return
        self.failures = 0 if call.outcome is Outcome.OK else self.failures + 1
        self.last = f"status {call.status}" if call.status else REASONS[call.reason]

    def run(self) -> None:
        """Ask for ever; ended by killing its greenlet."""
        try:
            while True:
                self.ask()
                gevent.sleep(INTERVAL)
        finally:
            self._client.close()
