"""One request and what a behaviour may do in answer; the register of behaviours.

A behaviour is a coroutine that takes an `Exchange`. It is registered by name with the outcomes that
a correct client may report for it: `ok`, or a reason out of the run folder's `reasons`.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)
OK: Final = "ok"


@dataclass
class Exchange:
    """A request that was read whole, and the connection it came on."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    rpc_id: bytes  # as it stood in the request
    number: int  # how many requests of this behaviour came before
    served: int  # how many requests of this connection came before
    elsewhere: int  # the port of the host that redirects point to
    keep: bool = field(default=True)  # read another request on this connection afterwards

    async def send(self, *parts: bytes) -> None:
        """Hand bytes to the kernel. ConnectionError if the client is gone."""
        if self.writer.is_closing():  # TLS awaits a farewell, and takes what is written meanwhile
            raise ConnectionResetError
        self.writer.write(b"".join(parts))
        await self.writer.drain()

    async def answer(self, body: bytes, *headers: bytes, status: bytes = b"200 OK") -> None:
        """A whole and legal answer with a Content-Length."""
        await self.send(head(b"Content-Length: %d" % len(body), *headers, status=status), body)

    def result(self, text: bytes = b"nasty") -> bytes:
        """The JSON-RPC result that the client waits for."""
        return (
            b'{"jsonrpc":"2.0","id":%b,"result":{"content":[{"type":"text","text":"%b"}],"isError":false}}'
            % (self.rpc_id, text)
        )

    async def until_gone(self) -> None:
        """Stall until the client hangs up; ConnectionError then."""
        while await self.reader.read(65536):
            pass
        raise ConnectionResetError("the client hung up")

    def reset(self) -> None:
        """Close with RST, so that what was not yet read is lost to the client."""
        reset(self.writer)
        self.keep = False

    def close(self) -> None:
        """Close with FIN after what was sent."""
        self.keep = False


def head(*headers: bytes, status: bytes = b"200 OK", kind: bytes = b"application/json") -> bytes:
    """A status line and headers, with the empty line."""
    return b"\r\n".join((b"HTTP/1.1 " + status, b"Content-Type: " + kind, *headers, b"", b""))


def reset(writer: asyncio.StreamWriter) -> None:
    """Close a connection with RST."""
    raw: Any = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    writer.transport.abort()


Play = Callable[[Exchange], Awaitable[None]]


@dataclass(frozen=True)
class Behaviour:
    """What the server does with a request, and what a correct client may call it."""

    name: str
    play: Play
    allowed: frozenset[str]
    races: bool = False  # it closes unannounced, so a next request may be lost unread


BEHAVIOURS: Final[dict[str, Behaviour]] = {}


def behaviour(name: str, *allowed: str, races: bool = False) -> Callable[[Play], Play]:
    """Register a behaviour with the outcomes that are right for it."""

    def register(play: Play) -> Play:
        assert name not in BEHAVIOURS, name
        BEHAVIOURS[name] = Behaviour(name, play, frozenset(allowed), races)
        return play

    return register
