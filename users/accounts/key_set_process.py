"""The process that publishes a key set: `python -m users.accounts.key_set_process LISTENING-FD PATH`.

The body is the first line of stdin; each further line asks for the number of fetches so far, a line on
stdout; the process ends with its stdin. Alone, so that a fetch never waits for the load, nor the load for
a fetch. Connections are kept alive, at most `MAX_CONNECTIONS` of them, each for `IDLE_TIMEOUT` without a
request. asyncio sets TCP_NODELAY on every one.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from typing import Final, cast

MAX_CONNECTIONS: Final = 256
IDLE_TIMEOUT: Final = 60.0  # seconds
MAX_HEAD: Final = 16_384  # bytes of a request
_FOUND: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
_NOT_FOUND: Final = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class PublishedKeys:
    """What is published, and how often it was fetched."""

    def __init__(self, path: str, body: bytes) -> None:
        self.fetches = 0
        self.open = 0
        self._path = path.encode()
        self._head = _FOUND % len(body)
        self._body = body

    def answer(self, request: bytes) -> tuple[bytes, bool]:
        """The answer to a request's head, and whether the connection is good for another."""
        line, _, headers = request.partition(b"\r\n")
        method, _, rest = line.partition(b" ")
        path, _, version = rest.partition(b" ")
        if path != self._path or method not in (b"GET", b"HEAD"):
            return _NOT_FOUND, False
        self.fetches += 1
        keep = version == b"HTTP/1.1" and b"\nconnection: close" not in b"\n" + headers.lower()
        more = b"\r\n" if keep else b"Connection: close\r\n\r\n"
        return self._head + more + (self._body if method == b"GET" else b""), keep


class KeyConnection(asyncio.Protocol):
    """One connection of whoever fetches."""

    def __init__(self, keys: PublishedKeys) -> None:
        self._keys = keys
        self._read = b""
        self._transport: asyncio.Transport | None = None
        self._idle: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A new one; one too many is closed."""
        self._transport = cast(asyncio.Transport, transport)
        self._keys.open += 1
        if self._keys.open > MAX_CONNECTIONS:
            self._transport.close()
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._keys.open -= 1
        if self._idle is not None:
            self._idle.cancel()

    def data_received(self, data: bytes) -> None:
        """Answer every whole request."""
        assert self._transport is not None
        self._read += data
        while b"\r\n\r\n" in self._read:
            request, _, self._read = self._read.partition(b"\r\n\r\n")
            answer, keep = self._keys.answer(request)
            self._transport.write(answer)
            if not keep:
                self._transport.close()
                return
        if len(self._read) > MAX_HEAD:
            self._transport.close()
        self._wait()

    def _wait(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        assert self._transport is not None
        self._idle = asyncio.get_running_loop().call_later(IDLE_TIMEOUT, self._transport.close)


async def serve(listener: socket.socket, path: str) -> None:
    """Serve until stdin ends."""
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    keys = PublishedKeys(path, (await lines.readline()).rstrip(b"\n"))
    server = await loop.create_server(lambda: KeyConnection(keys), sock=listener, backlog=1024)
    print(0, flush=True)
    while await lines.readline():
        print(keys.fetches, flush=True)
    server.close()


if __name__ == "__main__":
    asyncio.run(serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2]))
