"""Time for greenlets that moves only when told to: `sleep` parks its greenlet, `advance` wakes it."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count
from typing import Final

import gevent
from gevent.event import Event

TURNS: Final = 4  # of the hub, until everyone who was woken has gone as far as they get


class VirtualTime:
    """Call it for the time. `between` is called whenever everybody sleeps."""

    def __init__(self, now: float = 1000.0, between: Callable[[], None] = lambda: None) -> None:
        self.now = now
        self.between = between
        self._numbers = count()
        self._asleep: list[tuple[float, int, Event]] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        woken = Event()
        heapq.heappush(self._asleep, (self.now + seconds, next(self._numbers), woken))
        woken.wait()

    def advance(self, to: float) -> None:
        """Move to `to`, waking everyone who is due on the way at their own instant."""
        self._settle()
        while self._asleep and self._asleep[0][0] <= to:
            due, _, woken = heapq.heappop(self._asleep)
            self.now = max(self.now, due)
            woken.set()
            self._settle()
        self.now = to

    def _settle(self) -> None:
        for _ in range(TURNS):
            gevent.sleep(0)
        self.between()
