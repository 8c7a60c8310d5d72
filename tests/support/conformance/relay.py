"""A relay that signs its callers in: adds a header to each request, and passes all else as it is.

The conformance suite knows no tokens; the gateway's edge wants one.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

LENGTH = b"content-length:"


@contextlib.asynccontextmanager
async def relay(host: str, port: int, header: bytes) -> AsyncIterator[int]:
    """Serve on a port of loopback, which is given, in front of `host:port`."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(host, port)
        ends = [
            asyncio.create_task(_requests(reader, back, header)),
            asyncio.create_task(_pass(there, writer)),
        ]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for end in ends:
            end.cancel()
        for one in (writer, back):
            one.close()
        await asyncio.wait(ends)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def _requests(reader: asyncio.StreamReader, back: asyncio.StreamWriter, header: bytes) -> None:
    """Each request, with the header after its first line. Bodies have a length."""
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            first, _, rest = (await reader.readuntil(b"\r\n\r\n")).partition(b"\r\n")
            lines = rest.lower().split(b"\r\n")
            length = next((int(line[len(LENGTH) :]) for line in lines if line.startswith(LENGTH)), 0)
            back.write(first + b"\r\n" + header + b"\r\n" + rest + await reader.readexactly(length))


async def _pass(there: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await there.read(65536):
            writer.write(data)
            await writer.drain()
