"""A connection of the Worker to its KV: each operation is one step, answered by one write.

No task and no ASGI scope: a call at the edge is up to four operations, and what they take here is taken from
the machine that is being measured.
"""

from __future__ import annotations

import asyncio
import socket
from http import HTTPStatus
from typing import Final, Protocol

import httptools

from fakes.http.asgi import Reply
from fakes.http.server import BACKLOG

_HEADS: Final = {status: b"HTTP/1.1 %d %b\r\n" % (status, status.phrase.encode()) for status in HTTPStatus}


class Operations(Protocol):
    """Who answers an operation of KV."""

    def answer(self, method: str, target: bytes, body: bytes) -> Reply:
        """The answer to a request for `target`, a path with its query."""


class KvConnection(asyncio.Protocol):
    """One connection; one operation at a time."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations
        self._parser = httptools.HttpRequestParser(self)
        self._target = self._body = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:  # noqa: D102
        self._transport = transport  # type: ignore[assignment]

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
        reply = self._operations.answer(self._parser.get_method().decode(), self._target, self._body)
        lines = b"".join(b"%b: %b\r\n" % pair for pair in reply.headers)
        head = b"%b%bcontent-length: %d\r\n\r\n" % (_HEADS[HTTPStatus(reply.status)], lines, len(reply.body))
        self._transport.write(head + reply.body)
        if not self._parser.should_keep_alive():
            self._transport.close()


async def listen(operations: Operations, sock: socket.socket) -> asyncio.Server:
    """Serve operations on a socket from now on."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    loop = asyncio.get_running_loop()
    return await loop.create_server(lambda: KvConnection(operations), sock=sock, backlog=BACKLOG)
