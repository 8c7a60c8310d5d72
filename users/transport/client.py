"""The lean HTTP client: a pool of connections per account or for all, a deadline and a sample per call.

Nothing here waits. `send` starts a call and returns; the event loop finishes it: answered, broken,
timed out or aborted, exactly once, and the sample goes to the recorder. Any number of calls may be
in flight; each takes an idle connection of its pool (the warmest first) or opens a new one. What an
answer means is for the `AnswerRules` to say.
"""

from __future__ import annotations

import errno
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

import gevent

from telemetry.recording.sample import OWN_LIMITS, REASON_CODE, Flag, Outcome
from users.transport.answer_rules import PLAIN_HTTP, AnswerRules
from users.transport.body_limits import MAX_BODY, BodyLimits
from users.transport.call import NAN, Call
from users.transport.connection import Connection
from users.transport.endpoint import Endpoint
from users.transport.idle_connections import IdleConnections
from users.transport.late_answers import Late, LateAnswers
from users.transport.lifecycle import State

REAP_INTERVAL: Final = 0.02  # seconds: how late a deadline may be noticed
DRAIN_FOR: Final = 1.0  # seconds for the end of an event stream whose call is over
MOST_OVER: Final = 1000  # calls that are over and stand behind one that is not: each is kept whole
_TIMEOUT: Final = REASON_CODE["timeout"]
# What a call meets before it leaves this machine: our own limits, by errno.
_OWN_LIMITS: Final = {getattr(errno, name): REASON_CODE[name] for name in OWN_LIMITS}
_NO_FILE: Final = REASON_CODE["EMFILE"]
_IDLE: Final = State.IDLE
_NEW_CONNECTION: Final = int(Flag.NEW_CONNECTION)  # the enumeration's own `|` takes as long as a `send`


class Client:
    """Sends calls to one endpoint; tells `sent` of each as it goes out, `record` when it is over."""

    def __init__(
        self,
        endpoint: Endpoint,
        record: Callable[[Call], None],
        *,
        elsewhere: Sequence[Endpoint] = (),
        source_of: Callable[[int], str] = lambda account: "",
        rules: AnswerRules = PLAIN_HTTP,
        sent: Callable[[Call], None] = lambda call: None,
        timeout: float = 35.0,
        max_connections: int | None = None,
        max_body: int = MAX_BODY,
        shared: bool = False,
        late: Late | None = None,
        clock: Callable[[], float] = time.monotonic,
        loop: Any = None,
    ) -> None:
        """`shared`: accounts have no connections of their own, but one pool for each address.

        `late` is told of the answers to calls that timed out; None: their connections are cut.
        """
        self.in_flight = 0
        self.peak_in_flight = 0
        self.connections = 0
        self._endpoints = (endpoint, *elsewhere)  # accounts take them in turn
        self._pools = len(self._endpoints) if shared else sys.maxsize  # an account's is its remainder
        self._source_of = source_of  # the address that an account connects from; "": any
        self._record = record
        self._sent = sent
        self._judge = rules.judge
        self._stream_of = rules.stream_of
        self._limits = BodyLimits(max_body)
        self._timeout = timeout
        self._max_connections = max_connections
        self._clock = clock
        self._loop = loop or gevent.get_hub().loop
        self._idle = IdleConnections()
        self._deadlines: deque[Call] = deque()
        self._late: LateAnswers | None = None
        if late is not None:
            self._late = LateAnswers(late, rules.judge, clock, self._take_back, self._gone)
        self._draining: dict[Connection, float] = {}  # until when, the first to give up first
        self._reaper = self._loop.timer(REAP_INTERVAL, REAP_INTERVAL)
        self._reaper.start(self._reap)

    def send(self, call: Call) -> None:
        """Start `call` now. Its `request` is whole; `sent` is set here."""
        call.sent = now = self._clock()
        call.deadline = now + self._timeout
        idle = self._idle[call.account % self._pools]
        if idle:
            connection = idle.pop()
        else:
            try:
                connection = self._open(call.account)
            except OSError as error:
                call.sent = NAN
                self._over(call, Outcome.DROPPED, _OWN_LIMITS.get(error.errno or 0, _NO_FILE))
                return
            call.flags |= _NEW_CONNECTION
        call.connection = connection
        self.in_flight += 1
        self.peak_in_flight = max(self.peak_in_flight, self.in_flight)
        self._deadlines.append(call)
        self._sent(call)
        if connection.state is _IDLE:
            connection.start(call)
        else:
            connection.connecting(call)

    def drop(self, call: Call, reason: int) -> None:
        """End a call that will not be sent, by the code of why."""
        self._over(call, Outcome.DROPPED, reason)

    def _open(self, account: int) -> Connection:
        """A new connection, on its way; OSError where a limit of this machine forbids it."""
        if self._max_connections is not None and self.connections >= self._max_connections:
            self._make_room()
        endpoint = self._endpoints[account % len(self._endpoints)]
        sock, pool = endpoint.socket(self._source_of(account)), account % self._pools
        connection = Connection(
            self._loop, self, pool, sock, endpoint.session(), self._stream_of, self._limits
        )
        code = connection.dial(endpoint.address)
        if code in _OWN_LIMITS:
            connection.close()
            raise OSError(code, "the call never left this machine")
        self.connections += 1
        return connection

    def _make_room(self) -> None:
        """Close an idle connection of whoever has one; OSError where each carries a call."""
        unused = self._idle.give_one_up()
        if unused is None:
            raise OSError(errno.EMFILE, "the rest of the files that may be open are for the run itself")
        self._drop(unused)

    def abort_all(self) -> None:
        """End every call in flight, by RST."""
        calls, self._deadlines = self._deadlines, deque()
        for call in calls:
            if call.outcome is None:
                self._cut(call, Outcome.ABORTED, 0)

    def abandon(self, call: Call) -> None:
        """End one call, by RST; nothing where it is over, or has not left yet."""
        if call.outcome is None and call.connection is not None:
            self._cut(call, Outcome.ABORTED, 0)

    def close(self) -> None:
        """Abort what is in flight and close every connection."""
        self.abort_all()
        self._reaper.close()
        if self._late is not None:
            self._late.close()
        while self._draining:
            self._give_up(next(iter(self._draining)))
        for idle in self._idle.values():
            for connection in idle:
                connection.close()
        self._idle.clear()

    # What connections tell

    def answered(self, connection: Connection, call: Call) -> None:
        """The whole answer is here: judge it, keep the connection if it is good for another."""
        self.in_flight -= 1
        call.done = self._clock()
        if connection.state is _IDLE:
            self._idle[connection.pool].append(connection)
        elif connection.state is State.DRAINING:
            self._draining[connection] = call.done + DRAIN_FOR
        else:
            self._drop(connection)
        self._judge(call)
        self._finish(call)

    def broken(self, connection: Connection, call: Call, reason: str) -> None:
        """No answer will come."""
        self.in_flight -= 1
        self.connections -= 1
        call.done = self._clock()
        self._over(call, Outcome.FAILED, REASON_CODE[reason])

    def drained(self, connection: Connection) -> None:
        """The rest of an event stream has come: the connection is as after any other answer."""
        del self._draining[connection]
        self._keep(connection)

    def idle_closed(self, connection: Connection) -> None:
        """The target closed a connection that we kept warm, or that was draining."""
        self.connections -= 1
        if self._draining.pop(connection, None) is not None:
            return
        idle = self._idle[connection.pool]
        if connection in idle:
            idle.remove(connection)

    def spoken(self, connection: Connection, data: bytes) -> None:
        """Nobody asked for it."""
        if self._late is not None:
            self._late.unasked(connection.pool, data)

    @property
    def late_due(self) -> int:
        """Late answers that may still come."""
        return 0 if self._late is None else self._late.due

    def _take_back(self, connection: Connection) -> None:
        """A late answer has come on it."""
        connection.leave_to(self)
        self._keep(connection)

    def _keep(self, connection: Connection) -> None:
        if connection.state is _IDLE:
            self._idle[connection.pool].append(connection)
        else:
            self._drop(connection)

    # Ends of calls

    def _reap(self) -> None:
        now = self._clock()
        while self._draining and self._draining[first := next(iter(self._draining))] <= now:
            self._give_up(first)
        if len(self._deadlines) > 2 * self.in_flight + MOST_OVER:
            self._deadlines = deque(call for call in self._deadlines if call.outcome is None)
        calls = self._deadlines
        while calls:
            call = calls[0]
            if call.outcome is not None:
                calls.popleft()
            elif call.deadline <= now:
                calls.popleft()
                self._time_out(call)
            else:
                return

    def _time_out(self, call: Call) -> None:
        connection = call.connection
        assert isinstance(connection, Connection)
        if self._late is None or not connection.waits:
            self._cut(call, Outcome.FAILED, _TIMEOUT)
            return
        self._late.wait_on(connection, call)
        self.in_flight -= 1
        call.done = self._clock()
        self._over(call, Outcome.FAILED, _TIMEOUT)

    def _cut(self, call: Call, outcome: Outcome, reason: int) -> None:
        connection = call.connection
        assert isinstance(connection, Connection)
        self._drop(connection, reset=True)
        self.in_flight -= 1
        call.done = self._clock()
        self._over(call, outcome, reason)

    def _give_up(self, connection: Connection) -> None:
        """Its stream stays open: it is closed from here."""
        del self._draining[connection]
        self._drop(connection)

    def _drop(self, connection: Connection, reset: bool = False) -> None:
        connection.close(reset)
        self.connections -= 1

    def _gone(self) -> None:
        self.connections -= 1

    def _over(self, call: Call, outcome: Outcome, reason: int) -> None:
        call.outcome = outcome
        call.reason = reason
        self._finish(call)

    def _finish(self, call: Call) -> None:
        call.connection = None
        self._record(call)
        if call.on_done is not None:
            call.on_done(call)
        call.request = call.body = b""
        call.stream = None
