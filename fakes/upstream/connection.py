"""A connection whose tool calls skip ASGI: parsed by the server's parser, answered by one write.

Everything else on the connection (metrics, control) takes the server's usual way. A caller that sends
its next call before the answer to the last is broken off: nobody in the stack pipelines.
"""

from __future__ import annotations

import asyncio
from typing import Final, Generic, Protocol, TypeVar

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from fakes.http import server

T = TypeVar("T")
INTENT: Final = b"x-intent"
_ANSWER: Final = (
    b"%bcontent-type: application/json\r\nserver-timing: upstream;dur=%.1f\r\ncontent-length: %d\r\n\r\n%b"
)


class UpstreamCall(Generic[T]):
    """One tool call under way. `began` is in monotonic seconds, `counted` the token of Metrics.begin.

    `said` is its body, `intent` whose work it is, b"" where that was not told.
    """

    __slots__ = ("began", "connection", "counted", "intent", "keep_alive", "said", "timer", "tool")

    def __init__(
        self, connection: UpstreamConnection[T], tool: T, keep_alive: bool, said: bytes, intent: bytes
    ) -> None:
        self.connection, self.tool, self.keep_alive = connection, tool, keep_alive
        self.said, self.intent = said, intent
        self.began = self.counted = 0.0
        self.timer: asyncio.TimerHandle | None = None

    def answer(self, status: int, body: bytes, spent_ms: float) -> None:
        """Send the whole answer."""
        self.connection.call = None
        transport = self.connection.transport
        transport.write(_ANSWER % (STATUS_LINE[status], spent_ms, len(body), body))
        if not self.keep_alive:
            transport.close()

    def abort(self) -> None:
        """Break the connection off without an answer."""
        self.connection.transport.abort()


class UpstreamService(Protocol[T]):
    """Who answers."""

    def find(self, path: bytes) -> T | None:
        """The tool at a path; None: not a tool call."""

    def begin(self, call: UpstreamCall[T]) -> None:
        """Take a call; `call.answer` or `call.abort` ends it."""

    def lost(self, call: UpstreamCall[T]) -> None:
        """The connection of a call without an answer is gone."""


class UpstreamConnection(server.HttpConnection, Generic[T]):
    """One connection; `service` is set by `connection_class`."""

    service: UpstreamService[T]
    call: UpstreamCall[T] | None = None
    _tool: T | None = None
    _said = b""

    def on_headers_complete(self) -> None:
        """Tool calls need no scope and no task."""
        self._tool, self._said = self.service.find(self.url), b""
        if self._tool is None:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """What a tool call says is kept as it is."""
        if self._tool is None:
            super().on_body(body)
        else:
            self._said += body

    def on_message_complete(self) -> None:
        """A tool call is whole."""
        if self._tool is None:
            super().on_message_complete()
        elif self.call is not None:
            self.transport.abort()
        else:
            intent = next((value for name, value in self.headers if name == INTENT), b"")
            keep_alive = self.parser.should_keep_alive()
            self.call = UpstreamCall(self, self._tool, keep_alive, self._said, intent)
            self.service.begin(self.call)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the service that nobody waits any more."""
        super().connection_lost(exc)
        call, self.call = self.call, None
        if call is not None:
            self.service.lost(call)


def connection_class(service: UpstreamService[T]) -> type[UpstreamConnection[T]]:
    """The class of a server's connections for one service."""
    return type("UpstreamServiceConnection", (UpstreamConnection,), {"service": service})
