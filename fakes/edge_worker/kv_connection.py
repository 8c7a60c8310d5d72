"""A connection of the Worker to its KV: each operation is one step, answered by one write.

No task and no ASGI scope: a call at the edge is up to four operations, and what they take here is taken from
the machine that is being measured.

workerd opens a connection for each operation that finds none free, and keeps it for five idle seconds: after
a crowd it would hold one for every call in flight, and two files for each. So where more than `kept` are
open, an answer closes its connection.
"""

from __future__ import annotations

import asyncio
import socket
from http import HTTPStatus
from typing import Final, Protocol

import httptools

from fakes.edge_worker.kv_service import words_of
from fakes.http.asgi import Reply
from fakes.http.server import BACKLOG

_STATUS_LINES: Final = {
    status: b"HTTP/1.1 %d %b\r\n" % (status, status.phrase.encode()) for status in HTTPStatus
}


class Operations(Protocol):
    """Who answers an operation of KV."""

    def answer(self, method: str, target: bytes, body: bytes) -> Reply:
        """The answer to a request for `target`, a path with its query."""


class KvListener:
    """The connections of one workerd: `kept` of them stay open between operations."""

    def __init__(self, operations: Operations, kept: int) -> None:
        self.operations, self.kept, self.open = operations, kept, 0

    def connection(self) -> KvConnection:
        """A new one, as asyncio's servers want it."""
        return KvConnection(self)


class KvConnection(asyncio.Protocol):
    """One connection; one operation at a time."""

    def __init__(self, listener: KvListener) -> None:
        self._listener = listener
        self._parser = httptools.HttpRequestParser(self)
        self._target = self._body = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:  # noqa: D102
        self._transport = transport  # type: ignore[assignment]
        self._listener.open += 1

    def connection_lost(self, error: Exception | None) -> None:  # noqa: D102
        self._listener.open -= 1

    def data_received(self, data: bytes) -> None:  # noqa: D102
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._transport.abort()

    def on_message_begin(self) -> None:  # noqa: D102
        self._target = self._body = b""

    def on_url(self, url: bytes) -> None:  # noqa: D102
        self._target += url

    def on_body(self, body: bytes) -> None:  # noqa: D102
        self._body += body

    def on_message_complete(self) -> None:  # noqa: D102
        reply = self._listener.operations.answer(self._parser.get_method().decode(), self._target, self._body)
        lines = b"".join(b"%b: %b\r\n" % pair for pair in reply.headers)
        stays = self._parser.should_keep_alive() and self._listener.open <= self._listener.kept
        if not stays:
            lines += b"connection: close\r\n"
        head = b"%b%bcontent-length: %d\r\n\r\n" % (_status_line(reply), lines, len(reply.body))
        self._transport.write(head + reply.body)
        if not stays:
            self._transport.close()


def _status_line(reply: Reply) -> bytes:
    if reply.status == HTTPStatus.BAD_REQUEST:
        return b"HTTP/1.1 400 %b\r\n" % words_of(reply).encode()
    return _STATUS_LINES[HTTPStatus(reply.status)]


async def listen(operations: Operations, sock: socket.socket, kept: int) -> asyncio.Server:
    """Serve operations on a socket from now on; see `KvListener`."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    loop, listener = asyncio.get_running_loop(), KvListener(operations, kept)
    return await loop.create_server(listener.connection, sock=sock, backlog=BACKLOG)
