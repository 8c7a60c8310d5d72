"""Late answers: what comes to calls that timed out. Their connections are read on until it, or its end.

    call times out ──▶ it is over, as ever; its connection carries a copy of it on, and idles for nobody
    the answer comes   judged as any other, and told to `Late`; the connection is as good as after any other
    the end comes      told to `Late`, too

So an answer to one caller that is given to another is seen although that other did not wait for his own. What
comes on a connection on which nothing is due is told as well: nobody asked for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from users.transport.call import Call
from users.transport.connection import Connection


class Late(Protocol):
    """Who is told; each timed-out call that is waited for ends once, unless the run ends before it."""

    def answered(self, call: Call) -> None:
        """A copy of the call that timed out, judged."""

    def broken(self, call: Call) -> None:
        """No answer came."""

    def unasked(self, pool: int, data: bytes) -> None:
        """What was said on an idle connection of a pool."""


class LateAnswers:
    """The owner of connections whose calls timed out."""

    def __init__(
        self,
        told: Late,
        judge: Callable[[Call], None],
        clock: Callable[[], float],
        back: Callable[[Connection], None],
        closed: Callable[[], None],
    ) -> None:
        """`back` takes a connection that was answered, `closed` hears that one went away."""
        self.unasked = told.unasked
        self._told = told
        self._judge = judge
        self._clock = clock
        self._back = back
        self._closed = closed
        self._waiting: set[Connection] = set()

    @property
    def due(self) -> int:
        """Answers that may still come."""
        return len(self._waiting)

    def wait_on(self, connection: Connection, call: Call) -> None:
        """`call` is about to be over; what comes on its connection is for us."""
        connection.leave_to(self, _copy(call))
        self._waiting.add(connection)

    def close(self) -> None:
        """Nobody reads on."""
        while self._waiting:
            self._waiting.pop().close(reset=True)
            self._closed()

    # What connections tell

    def answered(self, connection: Connection, call: Call) -> None:
        """The whole answer is here, after all."""
        self._waiting.discard(connection)
        call.done = self._clock()
        self._back(connection)
        self._judge(call)
        self._told.answered(call)

    def broken(self, connection: Connection, call: Call, reason: str) -> None:
        """No answer will come."""
        self._waiting.discard(connection)
        self._closed()
        self._told.broken(call)

    def drained(self, connection: Connection) -> None:
        """Never: it was given back before."""

    def idle_closed(self, connection: Connection) -> None:
        """Never: it was given back before."""

    def spoken(self, connection: Connection, data: bytes) -> None:
        """Never: it was given back before."""


def _copy(call: Call) -> Call:
    """The caller may keep his own, which ended with the timeout."""
    late = Call(call.index, call.planned, call.account, call.group, call.tool)
    late.sent, late.flags, late.attempt = call.sent, call.flags, call.attempt
    late.request_id, late.nonce, late.expect = call.request_id, call.nonce, call.expect
    late.stream = call.stream
    return late
