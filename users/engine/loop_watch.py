"""How long the event loop of a loading process stood still at most, and what it was in.

A greenlet beats every `BEAT` seconds. A thread of its own looks on: where a beat is overdue it notes what the
loop is in; where the thread itself came late, the whole process stood still, and nothing in it is to blame.
The kernel says how much of that time the loop was ready and another had the CPU (`users.engine.cpu_wait`).
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, Final

import gevent
from gevent.monkey import get_original

from common.paths import ROOT
from users.engine.cpu_wait import cpu_wait

BEAT: Final = 0.02  # seconds
LOOK: Final = 0.04
OVERDUE: Final = 0.03  # a beat, or the thread itself, so much after its time
NOT_OURS: Final = "the whole process stood still"
_start_thread: Any = get_original("_thread", "start_new_thread")
_thread_id: Any = get_original("_thread", "get_ident")
_sleep: Any = get_original("time", "sleep")


class LoopWatch:
    """Made in the loop's own thread; watches from `start` to `stop`. `longest` is in seconds."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        frame: Callable[[int], FrameType | None] = lambda thread: sys._current_frames().get(thread),
        cpu_wait: Callable[[], float] = cpu_wait,
    ) -> None:
        self.longest = 0.0
        self.where = ""
        self.waited = 0.0  # seconds of the longest in which others had the CPU; NaN: nobody says
        self._cpu_wait = cpu_wait
        self._waited_before = cpu_wait()
        self._clock = clock
        self._frame = frame
        self._loop = _thread_id()
        self._beat = clock()
        self._seen = ""  # what the loop is in while a beat is overdue
        self._running = False

    def start(self, spawn: Callable[..., Any] = gevent.spawn) -> Any:
        """The greenlet that beats."""
        self._running = True
        self._beat = self._clock()
        _start_thread(self._look_forever, ())
        return spawn(self._beat_forever)

    def stop(self) -> None:
        """The thread ends soon."""
        self._running = False

    def line(self) -> dict[str, Any]:
        """The longest: part of a ledger line."""
        line = {"stall_s": round(self.longest, 3), "stall_in": self.where}
        return line if math.isnan(self.waited) else {**line, "stall_cpu_wait_s": round(self.waited, 3)}

    def beat(self) -> None:
        """The loop is here."""
        now = self._clock()
        gap, self._beat = now - self._beat - BEAT, now
        where, self._seen = self._seen, ""
        waited = self._cpu_wait()
        if gap > self.longest:
            self.longest, self.where, self.waited = gap, where, waited - self._waited_before
        self._waited_before = waited

    def look(self, due: float) -> None:
        """From the thread, which meant to look at `due`."""
        now = self._clock()
        if now - due > OVERDUE:
            self._seen = NOT_OURS
        elif now - self._beat > BEAT + OVERDUE and not self._seen:
            self._seen = told(self._frame(self._loop))

    def _beat_forever(self) -> None:
        while True:
            gevent.sleep(BEAT)
            self.beat()

    def _look_forever(self) -> None:
        while self._running:
            due = self._clock() + LOOK
            _sleep(LOOK)
            self.look(due)


def told(frame: FrameType | None) -> str:
    """The innermost line of the project's own: `users/engine/engine.py:212 in flush`."""
    innermost = frame
    while frame is not None:
        file = Path(frame.f_code.co_filename)
        if file.is_relative_to(ROOT) and ".venv" not in file.parts:
            return f"{file.relative_to(ROOT)}:{frame.f_lineno} in {frame.f_code.co_name}"
        frame = frame.f_back
    return "" if innermost is None else f"{innermost.f_code.co_filename} in {innermost.f_code.co_name}"
