"""Takes lines from the spool to the database, oldest first, and waits when it will not have them.

`deliver` is one try; `Sender` is the thread that tries on. A run's own queue goes first; queues that
earlier runs left behind follow, a batch at a time, while the database takes points.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Any, Final

import msgspec

from common.errors import failure
from telemetry.delivery.sink import NEVER, Writer, WriteReply, WriteResult, told
from telemetry.delivery.spool import Spool

FIRST_WAIT: Final = 0.5
LONGEST_WAIT: Final = 10.0
Say = Callable[[str], None]
Clock = Callable[[], float]


@dataclass
class SetApart:
    """Points of a batch that are not stored: never taken, already there, or rejected without a name."""

    refused: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    rejected: int = 0
    why: str = ""


def deliver(writer: Writer, spool: Spool, timeout: float | None = None) -> tuple[WriteReply | None, int]:
    """Send the head of the queue: (reply, points taken); (None, 0) if it is empty."""
    segments = spool.head(writer.most)
    if not segments:
        return None, 0
    lines = [line for segment in segments for line in segment.lines()]
    apart = SetApart()
    reply = _send(writer, lines, apart, timeout)
    if reply.answer is not WriteResult.TAKEN:
        return reply, 0
    for line in apart.refused:
        spool.refuse(line)
    if apart.rejected:
        spool.reject(apart.rejected, apart.why)
    spool.held += len(apart.held)
    spool.acknowledge(segments)
    return reply, len(lines) - len(apart.refused) - len(apart.held) - apart.rejected


def _send(writer: Writer, lines: list[str], apart: SetApart, timeout: float | None) -> WriteReply:
    """Send; halve what is too large or holds a bad point, until those stand alone in `apart`."""
    try:
        reply = writer.write(lines, timeout)
    except msgspec.DecodeError as error:  # a queue of an older version, or a damaged one
        reply = WriteReply(WriteResult.BAD_POINTS, 0, str(error))
    if reply.answer in {WriteResult.TAKEN, WriteResult.LATER}:
        if reply.rejected:
            apart.rejected, apart.why = apart.rejected + min(reply.rejected, len(lines)), reply.said
        return reply
    if len(lines) == 1 or reply.answer is WriteResult.REFUSED:
        (apart.held if reply.answer is WriteResult.HELD else apart.refused).extend(lines)
        return WriteReply(WriteResult.TAKEN, reply.status, reply.said)
    middle = len(lines) // 2
    for half in (lines[:middle], lines[middle:]):
        reply = _send(writer, half, apart, timeout)
        if reply.answer is WriteResult.LATER:
            return reply
    return reply


class Sender:
    """Sends until `finish`; says in one line when the database stops taking points, and when it is back."""

    def __init__(
        self,
        writer: Writer,
        own: Spool,
        left_behind: Iterator[Spool],
        say: Say,
        clock: Clock = time.monotonic,
        thread: Callable[..., Any] = Thread,
        event: Callable[[], Any] = Event,
    ) -> None:
        self.written = self.replayed = 0
        self.last_error = ""
        self._writer, self._own, self._left_behind, self._say = writer, own, left_behind, say
        self._old: Spool | None = None
        self._clock = clock
        self._deadline: float | None = None
        self._wake = event()
        self._wait = 0.0
        self._thread = thread(target=self._run, daemon=True, name="sender")

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def more(self) -> None:
        """There are new lines; a wait for the database goes on."""
        if not self._wait:
            self._wake.set()

    def finish(self, seconds: float) -> None:
        """Send what is left, for at most `seconds`; the first failure ends it."""
        self.end(seconds)
        self.join()

    def end(self, seconds: float) -> None:
        """Have it send for at most `seconds` more; `join` waits for that."""
        self._deadline = self._clock() + seconds
        self._wake.set()

    def join(self) -> None:
        """Wait until what `end` allowed is over."""
        if self._deadline is not None:
            self._thread.join(max(self._deadline - self._clock(), 0.0))

    def _run(self) -> None:
        while True:
            self._wake.wait(self._wait or None)
            self._wake.clear()
            closing = self._deadline is not None
            self._wait = self._try()
            if closing or self._expired() or self._wait == NEVER:
                return

    def _try(self) -> float:
        """As `_send_all`: a fault of ours is said, and ends no delivery."""
        try:
            return self._send_all()
        except Exception as error:
            return self._refused(WriteReply(WriteResult.LATER, 0, told(failure(error))))

    def _send_all(self) -> float:
        """Send until nothing waits (0) or the database says no (seconds to wait)."""
        while not self._expired():
            reply, taken = deliver(self._writer, self._own, self._timeout())
            self.written += taken
            if reply is None:
                reply = self._send_old()
            if reply is None:
                return 0.0
            if reply.answer is WriteResult.LATER:
                return self._refused(reply)
            self._accepted()
        return 0.0

    def _send_old(self) -> WriteReply | None:
        """A batch of what earlier runs left; nothing while the run is being closed."""
        if self._deadline is not None:
            return None
        self._old = self._old or next(self._left_behind, None)
        if self._old is None:
            return None
        reply, taken = deliver(self._writer, self._old)
        self.replayed += taken
        if reply is None:
            self._old.close()
            self._old = None
            return self._send_old()
        return reply

    def _timeout(self) -> float | None:
        return None if self._deadline is None else max(self._deadline - self._clock(), 0.1)

    def _expired(self) -> bool:
        return self._deadline is not None and self._clock() >= self._deadline

    def _refused(self, reply: WriteReply) -> float:
        what = f"HTTP {reply.status} {reply.said}" if reply.status else reply.said
        if not self.last_error:
            sent = "make flush sends them" if reply.wait == NEVER else "sent later"
            self._say(f"{self._writer.name} takes no points ({what}); they are kept on disk and {sent}")
        self.last_error = what
        return reply.wait or min(max(self._wait * 2, FIRST_WAIT), LONGEST_WAIT)

    def _accepted(self) -> None:
        if self.last_error:
            self._say(f"{self._writer.name} takes points again")
        self.last_error = ""
        self._wait = 0.0
