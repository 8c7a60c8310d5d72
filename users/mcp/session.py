"""An account's session with a server of an era that has them: opened before load, closed after it.

    open → initialize ──ok──▶ its id and version go with every later call; notifications/initialized, before
                              anything else of it
                      ──no──▶ calls go without; tried again when one is refused for it (400)
    a call that carried the id is answered 404: the session is lost; initialize anew, without the id
    close → DELETE

All of it is extra, beyond the schedule. A server that gives no id has no sessions: then none are counted.
While a session is opened anew arrivals go out with the old id: what they get is what such a loss costs. Extra
calls wait for a session that is being opened. For what its calls are told an account sends one `initialize`
in `RETRY` seconds at most; with a `wait`, that long after it learnt of the loss: accounts that wait apart are
no storm. One for which `max_rps` left no room is asked for again by the next call that needs it. A persona
that opens one of its own accord (`reopen`, `visitor`) does so as often as it likes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

import msgspec

from telemetry.recording.sample import Outcome
from users.mcp.answers import message_of
from users.mcp.dialect import Dialect
from users.mcp.headers import SESSION
from users.mcp.messages import Message, notification
from users.mcp.operations import CLOSE, INITIALIZE, INITIALIZED
from users.mcp.sse import UNREADABLE
from users.transport.call import Call

OPENING_CALLS: Final = 2
"""What opening a session sends."""
RETRY: Final = 1.0  # seconds
GONE: Final = 404
NEEDED: Final = 400
NOTICE: Final = notification("notifications/initialized")


@dataclass
class SessionCounts:
    """Sessions of one process, cumulative."""

    opened: int = 0
    lost: int = 0
    reopened: int = 0
    closed: int = 0

    def line(self) -> dict[str, int]:
        """As a line of the ledger has them."""
        return {**vars(self)}


class Carrier(Protocol):
    """Who sends a session's own messages: now, extra, with or without its id."""

    def send_own(self, message: Message, code: int, on_done: Callable[[Call], None], *, bare: bool) -> None:
        """Send `message`; `bare`: without the session's headers."""
        ...

    def later(self, seconds: float, action: Callable[[], None]) -> object:
        """Run `action` after `seconds`, unless sending has stopped by then."""
        ...

    def changed(self) -> None:
        """The session's headers are others from now on."""
        ...

    def settled(self) -> None:
        """The session is open, or will not be for now: what waited may go."""
        ...


class _Opened(msgspec.Struct):
    protocolVersion: str = ""  # noqa: N815 - the wire's own name


class _Reply(msgspec.Struct):
    result: _Opened = msgspec.field(default_factory=_Opened)


_decode: Final = msgspec.json.Decoder(_Reply).decode


class McpSession:
    """`id` and `version` are what its calls carry; b"" for none."""

    def __init__(
        self,
        dialect: Dialect,
        carrier: Carrier,
        counts: SessionCounts,
        clock: Callable[[], float] = time.monotonic,
        *,
        wait: float = 0.0,
    ) -> None:
        """`wait`: seconds between a loss and the `initialize` that mends it."""
        self.id = b""
        self.version = b""
        self.opening = False
        self.answer: Any = None  # of `initialize`: a Call, once it is over
        self._dialect = dialect
        self._carrier = carrier
        self._counts = counts
        self._clock = clock
        self._since = float("inf")  # monotonic s: calls sent from then on carry the id
        self._tried = float("-inf")
        self._lost = False
        self._wait = wait
        self._awaited = False  # it will be opened anew once that time is over

    def expect(self) -> None:
        """It will be opened soon: what waits for it does so from now on."""
        self.opening = True

    def open(self) -> None:
        """Begin; the rest follows from the answer."""
        self.opening, self._awaited = True, False
        self._tried = self._clock()
        self._carrier.send_own(self._dialect.initialize(), INITIALIZE, self._initialized, bare=True)

    def _initialized(self, call: Call) -> None:
        self.answer = call
        if call.outcome is Outcome.OK:
            self.id = call.headers.get(SESSION, b"")
            self.version = version_of(call).encode("latin-1", "replace") or self._dialect.version.encode()
            self._since = self._clock()
            if self.id:
                self._counts.reopened += self._lost
                self._counts.opened += not self._lost
            self._lost = False
            self._carrier.changed()
            self._carrier.send_own(NOTICE, INITIALIZED, self._told, bare=False)
        else:
            self.left()

    def _told(self, _call: Call) -> None:
        """The server knows that the session is open."""
        self.left()

    def left(self) -> None:
        """Nothing more is done for it now, whether it is open or not."""
        self.opening = False
        self._carrier.settled()

    def failed(self, call: Call) -> None:
        """A call of the account failed: see whether it was for the session."""
        gone = call.status == GONE and bool(self.id) and call.sent >= self._since
        missing = call.status == NEEDED and not self.version
        if self.opening or not (gone or missing) or call.tool in (INITIALIZE, CLOSE):
            return
        if gone and not self._lost:
            self._lost = True
            self._counts.lost += 1
        if self._awaited or self._clock() - self._tried < RETRY:
            return
        if gone and self._wait:
            self._awaited = True
            self._carrier.later(self._wait, self.open)
        else:
            self.open()

    def closed(self, call: Call) -> None:
        """The server was asked to close it."""
        self._counts.closed += call.outcome is Outcome.OK
        self.id = self.version = b""  # calls go without, and a 400 for it opens another


def version_of(call: Call) -> str:
    """The revision that an `initialize` agreed on; "" where the answer names none."""
    try:
        return _decode(message_of(call)).result.protocolVersion
    except UNREADABLE:
        return ""
