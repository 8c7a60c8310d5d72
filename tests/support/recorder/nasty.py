"""A server that breaks every rule of HTTP on request, and counts what it did.

    python -m tests.support.recorder.nasty [--on-connect NAME] [--tls CERT KEY]

The path names the behaviour: `/stall`, `/chunked`, …; `/mix` plays all of them in turn, `/generated-SEED`
what `recorder.generated` makes. `--on-connect` plays one of `CONNECTING` on every new connection instead,
before any request is read. The first
line on stdout is the port, the second the port of `/_stats` (always plain HTTP). It ends when stdin does.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import socket
import ssl
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Final

from tests.support.recorder import breaking, framing, meaning
from tests.support.recorder.exchange import BEHAVIOURS, Behaviour, Exchange, reset
from tests.support.recorder.generated import generate
from tests.support.recorder.server import end_with_parent

MODULES: Final = (breaking, framing, meaning)
CONNECTING: Final = ("accept-then-close", "accept-then-reset", "greet-with-garbage", "never-read")
SMALL_BUFFER: Final = 4096


@dataclass
class Counts:
    """What the server itself saw and did; the client's ledger has to agree with it."""

    accepted: int = 0
    elsewhere: int = 0  # connections to the host that redirects point to
    partial: int = 0  # connections that ended inside a request
    received: Counter[str] = field(default_factory=Counter)
    finished: Counter[str] = field(default_factory=Counter)  # the behaviour was played to its end
    gone: Counter[str] = field(default_factory=Counter)  # the client hung up before
    ids: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def as_dict(self) -> dict[str, object]:
        return dict(vars(self))


class Nasty:
    """The server's connections, each a loop of request and misbehaviour."""

    def __init__(self, on_connect: str | None) -> None:
        self.counts = Counts()
        self.elsewhere_port = 0
        self._on_connect = on_connect
        self._turn = 0
        self._order = sorted(BEHAVIOURS)

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection to its end."""
        self.counts.accepted += 1
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            if self._on_connect:
                await self._greet(writer)
            else:
                await self._requests(reader, writer)
        writer.close()

    async def other_host(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The host that nobody may be redirected to."""
        self.counts.elsewhere += 1
        writer.close()

    async def told(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer anything with the counts so far."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            body = json.dumps(self.counts.as_dict()).encode()
            writer.write(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
            await writer.drain()
        writer.close()

    async def _greet(self, writer: asyncio.StreamWriter) -> None:
        if self._on_connect == "accept-then-reset":
            reset(writer)
        elif self._on_connect == "greet-with-garbage":
            writer.write(b"SSH-2.0-OpenSSH_9.2\r\n\x00\x01\x02")
            await writer.drain()
        elif self._on_connect == "never-read":
            writer.transport.pause_reading()  # type: ignore[attr-defined]
            await asyncio.Event().wait()

    async def _requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served = 0
        while request := await self._read(reader):
            path, rpc_id = request
            behaviour = self._behaviour(path, rpc_id)
            number = self.counts.received[behaviour.name]
            self.counts.received[behaviour.name] += 1
            self.counts.ids[behaviour.name].append(rpc_id.decode())
            exchange = Exchange(reader, writer, rpc_id, number, served, self.elsewhere_port)
            await self._play(behaviour, exchange)
            served += 1
            if not exchange.keep:
                return

    async def _play(self, behaviour: Behaviour, exchange: Exchange) -> None:
        try:
            await behaviour.play(exchange)
        except ConnectionError:
            self.counts.gone[behaviour.name] += 1
            raise
        self.counts.finished[behaviour.name] += 1

    def _behaviour(self, path: str, rpc_id: bytes) -> Behaviour:
        self._turn += 1
        if path == "mix":
            return BEHAVIOURS[self._order[(self._turn - 1) % len(self._order)]]
        if path.startswith("generated-"):
            made = generate(int(path.partition("-")[2]), self._turn, rpc_id)
            return Behaviour(made.name, made.play, made.outcomes)
        return BEHAVIOURS[path]

    async def _read(self, reader: asyncio.StreamReader) -> tuple[str, bytes] | None:
        """The next request's path and JSON-RPC id; None at the connection's end."""
        try:
            first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = dict(line.lower().split(":", 1) for line in lines if line)
            body = await reader.readexactly(int(headers.get("content-length", "0")))
        except asyncio.IncompleteReadError as cut:
            self.counts.partial += bool(cut.partial)
            return None
        return first.split(" ")[1].strip("/"), json.dumps(json.loads(body or b"{}").get("id")).encode()


def listener(small: bool) -> socket.socket:
    """A listening socket on a free port, with a small receive buffer if so wished."""
    made = socket.socket()
    if small:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
    made.bind(("127.0.0.1", 0))
    return made


async def serve(on_connect: str | None, tls: ssl.SSLContext | None) -> None:
    """Serve until told to stop; then every connection that is left is reset."""
    nasty, stop = Nasty(on_connect), asyncio.Event()
    main = await asyncio.start_server(
        nasty.connection, sock=listener(on_connect == "never-read"), backlog=4096, ssl=tls
    )
    other = await asyncio.start_server(nasty.other_host, "127.0.0.1", 0)
    stats = await asyncio.start_server(nasty.told, "127.0.0.1", 0)
    nasty.elsewhere_port = other.sockets[0].getsockname()[1]
    end_with_parent(asyncio.get_running_loop(), stop)
    for server in (main, stats):
        print(server.sockets[0].getsockname()[1], flush=True)
    await stop.wait()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--on-connect", choices=CONNECTING)
    parser.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"))
    options = parser.parse_args()
    tls = None
    if options.tls:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(*options.tls)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    asyncio.run(serve(options.on_connect, tls))


if __name__ == "__main__":
    main()
