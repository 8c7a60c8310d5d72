"""The recorder: answers MCP calls after a fixed delay and remembers every one of them.

    python -m tests.support.recorder.server --out DIR [--delay 3] [--port 0]

The first line on stdout is the port. It ends on SIGTERM or when stdin closes (its parent died), and
then writes what it saw to DIR. `GET /_stats` tells the counts so far, `GET /health` is not recorded.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import json
import os
import resource
import signal
from array import array
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any, Final, cast

import httptools
import msgspec
import numpy as np
import uvloop

from tests.support.recorder.record import ANSWERED, GONE, PENDING, ROW, Recording

BACKLOG: Final = 4096
_CONTENT: Final = b'{"content":[{"type":"text","text":"recorded"}],"isError":false}'
_HEAD: Final = (
    b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nX-Instance-ID: recorder\r\nContent-Length: %d\r\n\r\n"
)
DELAYED: Final = frozenset({"tools/call", "tools/list"})


class Rpc(msgspec.Struct):
    """The parts of a JSON-RPC request that the recorder looks at."""

    method: str = ""
    id: msgspec.Raw = msgspec.Raw(b"")


_decode: Final = msgspec.json.Decoder(Rpc).decode


class Table:
    """Codes for values that repeat: the first one seen is 0."""

    def __init__(self, name: Callable[[bytes], str] = bytes.decode) -> None:
        self._codes: dict[bytes, int] = {}
        self._name = name
        self.names: list[str] = []

    def code(self, value: bytes) -> int:
        found = self._codes.get(value)
        if found is None:
            found = self._codes[value] = len(self.names)
            self.names.append(self._name(value))
        return found


def subject(authorization: bytes) -> str:
    """The `sub` claim of a bearer token, unverified; the header's SHA-256 when it has none."""
    try:
        payload = authorization.split(b" ")[-1].split(b".")[1]
        return str(json.loads(base64.urlsafe_b64decode(payload + b"=" * (-len(payload) % 4)))["sub"])
    except (IndexError, KeyError, TypeError, ValueError):
        return hashlib.sha256(authorization).hexdigest()


class Book:
    """Columns of all requests so far, cheap to append to."""

    def __init__(self) -> None:
        self.columns: dict[str, array[Any]] = {name: array(ROW[name].char) for name in ROW.names or ()}
        self._append = [column.append for column in self.columns.values()]
        self._ended, self._end = self.columns["ended"], self.columns["end"]
        self.headers, self.ips, self.methods = Table(subject), Table(), Table()
        self.in_flight = self.peak = self.connections = self.partial = self.malformed = 0

    def arrive(self, at: float, rpc: Rpc, connection: int, token: bytes, ip: bytes) -> int:
        """Note a request; its row is the answer."""
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        code = self.headers.code(token)
        method = self.methods.code(rpc.method.encode())
        number = bytes(rpc.id)
        rpc_id = int(number) if number.isdigit() else -1
        row = (at, float("nan"), rpc_id, connection, code, self.ips.code(ip), method, self.in_flight, PENDING)
        for append, value in zip(self._append, row, strict=True):
            append(value)
        return len(self._end) - 1

    def end(self, row: int, how: int) -> None:
        """Note that a request was answered, or that its client went away."""
        self.in_flight -= 1
        self._ended[row] = monotonic()
        self._end[row] = how

    def recording(self) -> Recording:
        rows = np.zeros(len(self._end), dtype=ROW)
        for name, column in self.columns.items():
            rows[name] = column
        # a renewed token is another header with the same subject
        names = list(dict.fromkeys(self.headers.names))
        place = np.array([names.index(name) for name in self.headers.names] or [0], dtype="<u4")
        rows["token"] = place[rows["token"]]
        return Recording(rows, names, self.ips.names, self.methods.names)

    def stats(self) -> dict[str, object]:
        end, arrived = self.columns["end"], self.columns["arrived"]
        methods = np.bincount(np.asarray(self.columns["method"]), minlength=len(self.methods.names))
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return {
            "received": len(end),
            "answered": end.count(ANSWERED),
            "gone": end.count(GONE),
            "in_flight": self.in_flight,
            "peak_in_flight": self.peak,
            "connections": self.connections,
            "partial": self.partial,
            "malformed": self.malformed,
            "first": arrived[0] if arrived else None,
            "last": arrived[-1] if arrived else None,
            "methods": dict(zip(self.methods.names, methods.tolist(), strict=True)),
            "cpu_s": usage.ru_utime + usage.ru_stime,
        }


class Connection(asyncio.Protocol):
    """One client connection; pipelined requests are answered in order, as all wait equally long."""

    def __init__(self, book: Book, delay: float, ip_header: bytes) -> None:
        self._book, self._delay, self._ip_header = book, delay, ip_header
        self._call_later = asyncio.get_running_loop().call_later
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: dict[int, asyncio.TimerHandle] = {}
        self._url = self._token = self._ip = self._body = b""
        self._at = 0.0
        self._whole = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's class is not asyncio's
        self._peer = str(transport.get_extra_info("peername")[0]).encode()
        self._number = self._book.connections
        self._book.connections += 1

    def connection_lost(self, exc: Exception | None) -> None:
        for row, timer in self._waiting.items():
            timer.cancel()
            self._book.end(row, GONE)
        self._waiting.clear()
        self._book.partial += not self._whole

    def data_received(self, data: bytes) -> None:
        self._at = monotonic()
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._book.malformed += 1
            self._transport.abort()

    def on_message_begin(self) -> None:
        self._url = self._token = self._ip = self._body = b""
        self._whole = False

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        lower = name.lower()
        if lower == b"authorization":
            self._token = value
        elif lower == self._ip_header:
            self._ip = value

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        self._whole = True
        if self._parser.get_method() == b"POST":
            self._call()
        elif self._url == b"/_stats":
            self._write(json.dumps(self._book.stats()).encode())
        else:
            self._write(b'{"status":"ok"}')

    def _call(self) -> None:
        try:
            rpc = _decode(self._body)
        except msgspec.DecodeError:
            self._book.malformed += 1
            self._write(b"{}", b"400 Bad Request")
            return
        row = self._book.arrive(self._at, rpc, self._number, self._token, self._ip or self._peer)
        if rpc.method in DELAYED and self._delay:
            self._waiting[row] = self._call_later(self._delay, self._answer, row, rpc.id)
        else:
            self._answer(row, rpc.id)

    def _answer(self, row: int, rpc_id: msgspec.Raw) -> None:
        self._waiting.pop(row, None)
        number = bytes(rpc_id)
        if number:
            self._write(b'{"jsonrpc":"2.0","id":%b,"result":%b}' % (number, _CONTENT))
        else:
            self._write(b"", b"202 Accepted")
        self._book.end(row, ANSWERED)

    def _write(self, body: bytes, status: bytes = b"200 OK") -> None:
        self._transport.write(_HEAD % (status, len(body)) + body)


def end_with_parent(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """Set `stop` on SIGTERM, SIGINT and when stdin ends."""
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    def on_input() -> None:
        if not os.read(0, 4096):
            loop.remove_reader(0)
            stop.set()

    loop.add_reader(0, on_input)


async def serve(host: str, port: int, delay: float, ip_header: str, out: Path) -> None:
    """Serve until told to stop, then write the recording to `out`."""
    loop, stop, book = asyncio.get_running_loop(), asyncio.Event(), Book()
    header = ip_header.lower().encode()
    server = await loop.create_server(lambda: Connection(book, delay, header), host, port, backlog=BACKLOG)
    end_with_parent(loop, stop)
    print(server.sockets[0].getsockname()[1], flush=True)
    await stop.wait()
    server.close()
    book.recording().save(out)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--delay", type=float, default=3.0)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--ip-header", default="CF-Connecting-IP")
    options = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    uvloop.run(serve(options.host, options.port, options.delay, options.ip_header, options.out))


if __name__ == "__main__":
    main()
