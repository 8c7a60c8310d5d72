"""The ledger of one loading process: planned = sent + dropped (+ unknown, which only a death leaves).

It counts what the engine does; the samples on disk say the same and the verdict compares both.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from telemetry.recording.sample import Flag, Outcome
from users.transport.call import Call

LATE: Final = 0.05  # seconds of start delay
_OK: Final = Outcome.OK  # a look into an enumeration takes longer than one at a name here
_FAILED: Final = Outcome.FAILED
_DROPPED: Final = Outcome.DROPPED


class Ledger:
    """Counts calls as they go out and as they end."""

    def __init__(self, late: float = LATE, cpu: Callable[[], float] = time.process_time) -> None:
        self.sent = self.dropped = self.done = self.extra = self.retries = self.late = 0
        self.ok = self.failed = self.aborted = 0
        self._late = late
        self._cpu = cpu
        self._cpu_before = cpu()

    def out(self, call: Call) -> None:
        """A call goes out."""
        if call.index < 0:
            call.flags |= Flag.EXTRA
            self.extra += 1
            self.retries += bool(call.flags & Flag.RETRY)
            return
        self.sent += 1
        if call.sent - call.planned > self._late:
            self.late += 1

    def over(self, call: Call) -> None:
        """A call ended, or an arrival was dropped."""
        if call.index < 0:
            return
        if call.outcome is _DROPPED:
            self.dropped += 1
            return
        self.done += 1
        if call.outcome is _OK:
            self.ok += 1
        elif call.outcome is _FAILED:
            self.failed += 1
        else:
            self.aborted += 1

    def line(self, t: float, planned: int, in_flight: int) -> dict[str, Any]:
        """One line of `ledger-<worker>.jsonl`; counts are cumulative, `in_flight` is now."""
        return {
            "t": round(t, 6),
            "planned": planned,
            "sent": self.sent,
            "dropped": self.dropped,
            "done": self.done,
            "ok": self.ok,
            "failed": self.failed,
            "aborted": self.aborted,
            "in_flight": in_flight,
            "extra": self.extra,
            "retries": self.retries,
            "late": self.late,
            "cpu_s": round(self._cpu() - self._cpu_before, 6),
        }
