"""Who has which arrivals of the one schedule, by the deals so far.

A deal counts from its `from_t` on; up to there a worker keeps what earlier deals gave it. `unsent` are the
records of arrivals that nobody sends, for their worker was gone and the next deal had yet to begin.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shapes.schedule import Schedule
from telemetry.recording.recorder import Recorder
from telemetry.recording.sample import REASON_CODE, Outcome
from users.transport.call import Call


class Shares:
    """Shares of workers, by any key. Times are seconds since the run's start."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self._shares: dict[str, NDArray[np.int64]] = {}

    def deal(self, workers: list[str], from_t: float) -> None:
        """Deal what is planned at `from_t` or later to `workers`, in the order of their rank."""
        for rank, worker in enumerate(workers):
            earlier = self._between(worker, float("-inf"), from_t)
            self._shares[worker] = np.concatenate([earlier, self._schedule.share(rank, len(workers), from_t)])

    def unsent(self, worker: str, since: float, until: float) -> bytes:
        """Records of the worker's arrivals planned from `since` to `until`, as dropped."""
        found: list[bytes] = []
        recorder = Recorder(0.0, [found.append])
        for index in self._between(worker, since, until).tolist():
            recorder.record(self._lost(index), Outcome.DROPPED)
        recorder.flush()
        return b"".join(found)

    def _between(self, worker: str, since: float, until: float) -> NDArray[np.int64]:
        share = self._shares.get(worker, np.empty(0, np.int64))
        planned = self._schedule.planned[share]
        return share[(planned >= since) & (planned < until)]

    def _lost(self, index: int) -> Call:
        schedule = self._schedule
        call = Call(
            index,
            float(schedule.planned[index]),
            int(schedule.account[index]),
            int(schedule.group[index]),
            0,
        )
        call.reason = REASON_CODE["worker_lost"]
        return call
