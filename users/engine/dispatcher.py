"""Deals the arrivals of the global schedule out, each at its planned instant.

One dispatcher serves every shape. It never waits for an answer and never slows down: an arrival that
it comes to too late (`DROP_AFTER`) is dropped and counted, because sending it then would bend the
attack's shape. Times are monotonic seconds; the schedule's own are seconds since `start_at`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Final

import gevent
import numpy as np
from numpy.typing import NDArray

from shapes.schedule import Schedule
from telemetry.recording.sample import CUT_OFF

DROP_AFTER: Final = 1.0
BURST: Final = 50  # arrivals dealt before answers get their turn
_CHUNK: Final = 10_000

Deal = Callable[[int, float, int, int, int], None]
"""(index, planned [monotonic s], account, group, draw)"""


class Dispatcher:
    """Calls `deal` for each arrival of `share` (ascending indices), `drop` for what is too late."""

    def __init__(
        self,
        schedule: Schedule,
        share: NDArray[np.int64],
        start_at: float,
        deal: Deal,
        drop: Callable[[int, float, int, int, str], None],
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = gevent.sleep,
        drop_after: float = DROP_AFTER,
        room: Callable[[], float] | None = None,
    ) -> None:
        """`room`: seconds until one more call may leave (`users.engine.pace`); None: it always may."""
        self.dealt = 0
        self.stopped = False
        self.until = float("inf")  # monotonic s: nothing is dealt then or later
        self._schedule = schedule
        self._share = share
        self._planned = schedule.planned[share]
        self._start_at = start_at
        self._deal = deal
        self._drop = drop
        self._clock = clock
        self._sleep = sleep
        self._drop_after = drop_after
        self._room = room

    def due(self, now: float) -> int:
        """How many of this share's arrivals were planned up to `now` (monotonic s)."""
        return int(self._planned.searchsorted(now - self._start_at, side="right"))

    @property
    def remaining(self) -> int:
        """Arrivals not yet dealt."""
        return len(self._share) - self.dealt

    def run(self) -> None:
        """Deal everything; returns after the last arrival, or soon after `stop`."""
        burst = 0
        for index, planned, account, group, draw in self._arrivals():
            while not self.stopped and (wait := planned - self._clock()) > 0:
                burst = 0
                self._sleep(wait)
            if self._room is not None:
                self._wait_for_room(self._room, planned)
            if self._clock() >= self.until:
                self.lapse()
            if self.stopped or not self.remaining:  # a later share may have cut this one
                return
            self.dealt += 1
            if self._clock() - planned > self._drop_after:
                self._drop(index, planned, account, group, "too_late")
            else:
                self._deal(index, planned, account, group, draw)
            burst += 1
            if burst == BURST:
                burst = 0
                self._sleep(0)

    def _wait_for_room(self, room: Callable[[], float], planned: float) -> None:
        """Until there is some, or it is too late for the arrival: there may never be."""
        while not self.stopped and (wait := room()) > 0 and self._clock() - planned <= self._drop_after:
            self._sleep(wait)

    def end_at(self, t: float) -> None:
        """Leave the arrivals planned at `t` (s since start) or later to another share."""
        keep = max(self.dealt, int(self._planned.searchsorted(t, side="left")))
        self._share = self._share[:keep]
        self._planned = self._planned[:keep]

    def lapse(self) -> None:
        """Stop, for `until` is over: what was planned later is left to another share."""
        self.end_at(self.until - self._start_at)
        self._end()

    def stop(self) -> None:
        """Deal nothing more. What came due a moment ago (`CUT_OFF`) the stop cuts off: it was not planned."""
        if not self.stopped:
            self.end_at(self._clock() - CUT_OFF - self._start_at)
            self._end()

    def _end(self) -> None:
        """What is left of the share was due before now: it is dropped as `stopped`."""
        self.stopped = True
        for index, planned, account, group, _ in self._arrivals(self.dealt):
            self.dealt += 1
            self._drop(index, planned, account, group, "stopped")

    def _arrivals(self, first: int = 0) -> Iterator[tuple[int, float, int, int, int]]:
        at = first
        while at < len(self._share):
            chunk = self._share[at : at + _CHUNK]
            yield from zip(
                chunk.tolist(),
                (self._planned[at : at + len(chunk)] + self._start_at).tolist(),
                self._schedule.account[chunk].tolist(),
                self._schedule.group[chunk].tolist(),
                self._schedule.draw[chunk].tolist(),
                strict=True,
            )
            at += len(chunk)
