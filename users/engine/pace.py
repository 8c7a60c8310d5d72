"""Holds the target file's `max_rps`: no more calls leave this process in any second than its share of it.

Before load starts the whole schedule is held against `max_rps` (`run.checks.preflight`). What could still
pass it is held here: arrivals that bunch up because the machine paused, and calls beyond the schedule, which
nobody planned (opening sessions, repeating what was refused). Arrivals wait for their turn, and are late, or
dropped by the dispatcher's own rule. Extra calls get what the schedule leaves; one that found no room for
`TURN_TIMEOUT` seconds, or until `max_duration`, is never made, and whoever wanted it is told.

With several workers each gets its share of `max_rps`, in proportion to the peak of what it is to send. A
target without `max_rps` has no pace, and none of this is in a call's way.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import gevent
import numpy as np
from numpy.typing import NDArray

from shapes.schedule import Schedule, peak
from telemetry.recording.sample import NO_ROOM

TURN_TIMEOUT: Final = 5.0  # seconds of load
SECOND: Final = 1.0
SLACK: Final = 0.05  # seconds that the network may bunch calls, where the schedule leaves so much room
POLL_INTERVAL: Final = 0.01


@dataclass(frozen=True)
class PaceShare:
    """A process's share of `max_rps`: `limit` calls in any `window` seconds, `planned` of them planned."""

    limit: int
    planned: int
    window: float


def pace_shares(schedule: Schedule, shares: Sequence[NDArray[np.int64]], max_rps: float) -> list[PaceShare]:
    """Those of all workers, given each one's share of the schedule (indices into it)."""
    times = [schedule.planned[share] for share in shares]
    for window in (SECOND + SLACK, SECOND):
        peaks = [peak(planned, window) for planned in times]
        if sum(peaks) <= max_rps:
            break
    whole = max(1, sum(peaks))
    return [PaceShare(int(max_rps * one / whole), one, window) for one in peaks]


def check_workers(schedule: Schedule, workers: int, max_rps: float | None) -> None:
    """ValueError where a worker that has arrivals may send no call at all: it would wait for ever."""
    if max_rps is None:
        return
    shares = [schedule.share(rank, workers) for rank in range(workers)]
    if any(one.planned and not one.limit for one in pace_shares(schedule, shares, max_rps)):
        raise ValueError(
            f"max_rps {max_rps:g}, dealt to {workers} workers, leaves one less than a call a second, "
            "allowed: fewer workers"
        )


class Pace:
    """One process's; `share` and `start` are set with its share of the schedule."""

    def __init__(
        self,
        max_duration: float | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = gevent.sleep,
    ) -> None:
        self.share = PaceShare(0, 0, SECOND)
        self.start = float("inf")  # monotonic seconds: the run's zero
        self._max_duration = float("inf") if max_duration is None else max_duration
        self._clock = clock
        self._sleep = sleep
        self._sent: deque[float] = deque()  # all calls of the last window
        self._extra: deque[float] = deque()  # those beyond the schedule
        self._waiting: deque[tuple[float, Callable[[], None], Callable[[str], None]]] = deque()

    def sent(self, at: float, extra: bool) -> None:
        """A call went out at `at`."""
        self._sent.append(at)
        if extra:
            self._extra.append(at)

    def wait(self) -> float:
        """Seconds until an arrival may go out; 0 or less for now."""
        return self._until(self._sent, self.share.limit)

    def turn(self, go: Callable[[], None], lost: Callable[[str], None] = lambda reason: None) -> None:
        """Have an extra call made in its turn; `lost` hears why it will not come: `no_room` or `stopped`."""
        self._waiting.append((self._clock(), go, lost))

    def run(self) -> None:
        """Make extra calls in their turn, for ever; ended by killing its greenlet."""
        while True:
            self._sleep(max(POLL_INTERVAL, self.step()))

    def step(self) -> float:
        """Make the extra calls whose turn it is; seconds until there may be another."""
        while self._waiting:
            since, go, lost = self._waiting[0]
            now = self._clock()
            if now - self.start >= self._max_duration:
                self._waiting.popleft()
                lost("stopped")
            elif now - max(since, self.start) > TURN_TIMEOUT:
                self._waiting.popleft()
                lost(NO_ROOM)
            elif (wait := max(self.wait(), self._until(self._extra, self._room(now)))) > 0:
                return wait
            else:
                self._waiting.popleft()
                go()
        return POLL_INTERVAL

    def stop(self) -> None:
        """Nothing that waits is made any more."""
        self._waiting.clear()

    def _room(self, now: float) -> int:
        """How many extra calls a window may hold: all of it while no arrival is near."""
        near = now >= self.start - self.share.window
        return self.share.limit - (self.share.planned if near else 0)

    def _until(self, times: deque[float], limit: int) -> float:
        now, window = self._clock(), self.share.window
        while times and times[0] <= now - window:
            times.popleft()
        if len(times) < limit:
            return 0.0
        return window if limit < 1 else times[len(times) - limit] + window - now
