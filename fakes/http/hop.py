"""A lean HTTP/1.1 client for the hops between the processes of the stack.

One `Hop` is one peer. Connections are kept alive without a bound in number and taken newest first, so
that old ones go idle; one idle for `max_idle` seconds is thrown away (the servers wait longer).

What becomes of a call, beside a Reply:
    HopConnectError   no connection: refused, unreachable. Nothing was sent.
    HopReset          the connection broke, or spoke no HTTP, before the answer was whole. The peer may
                      have acted, so nothing is ever sent twice: not a GET, not a POST. A connection
                      already known to be closed when it is taken from the pool is not used at all.
    HopTimeout        no whole answer within `timeout` seconds of the call, connecting included.
Cancelling the task that waits closes its connection, so the peer sees a disconnect. Not thread-safe.

`request` gives a whole answer. `exchange` gives an event stream without a length as it comes: its timeout
is for the head alone, a stream that breaks raises HopReset from its chunks, and closing one before its end
closes the connection.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

import httptools

from fakes.http.asgi import Answer, Headers, Reply, StreamReply


class HopError(Exception):
    """A hop gave no answer."""


class HopConnectError(HopError):
    """No connection to the peer."""


class HopReset(HopError):  # noqa: N818
    """The connection broke before the answer was whole."""


class HopTimeout(HopError):  # noqa: N818
    """No whole answer in time."""


class HopStream:
    """The chunks of one event stream."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._chunks: asyncio.Queue[bytes | HopError | None] = asyncio.Queue()
        self.feed = self._chunks.put_nowait
        self.ended = False

    def end(self, error: HopError | None = None) -> None:
        """All chunks are there, or the connection broke."""
        self.ended = True
        self.feed(error)

    def __aiter__(self) -> HopStream:
        return self

    async def __anext__(self) -> bytes:
        chunk = await self._chunks.get()
        if chunk is None:
            raise StopAsyncIteration
        if isinstance(chunk, HopError):
            raise chunk
        return chunk

    async def aclose(self) -> None:
        """Give the stream up."""
        if not self.ended:
            self._transport.abort()


class _HopConnection(asyncio.Protocol):
    """One connection; at most one call at a time."""

    streams = False
    stream: HopStream | None = None

    def __init__(self, hop: Hop) -> None:
        self.hop = hop
        self.idle_since = 0.0
        self.answer: asyncio.Future[Answer] | None = None
        self.parser = httptools.HttpResponseParser(self)
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")
        self.transport = transport  # type: ignore[assignment]

    def ask(self, request: bytes, answer: asyncio.Future[Answer], streams: bool) -> None:
        self.answer, self.streams = answer, streams
        self.headers: Headers = []
        self.body: list[bytes] = []
        self.headed = False
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        if self.answer is None and self.stream is None:
            self.transport.abort()
            return
        try:
            self.parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._fail(HopReset(f"not an HTTP answer: {error}"))

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self.headed = self.parser.get_status_code() >= 200
        if self.streams and self.headed and _is_stream(self.headers):
            answer, self.answer = self.answer, None
            self.stream = HopStream(self.transport)
            if answer is not None and not answer.done():
                status, headers = self.parser.get_status_code(), [*self.headers]  # ours are read at its end
                answer.set_result(StreamReply(status, headers, self.stream))

    def on_body(self, body: bytes) -> None:
        if self.stream is not None:
            self.stream.feed(body)
        else:
            self.body.append(body)

    def on_message_complete(self) -> None:
        if self.parser.get_status_code() < 200:
            self.headers = []
            return
        self._finish(self.parser.should_keep_alive())

    def _finish(self, keep: bool) -> None:
        answer, self.answer = self.answer, None
        stream, self.stream = self.stream, None
        body = self.body[0] if len(self.body) == 1 else b"".join(self.body)
        if keep:
            self.hop.put_back(self)
        else:
            self.transport.close()
        if stream is not None:
            stream.end()
        elif answer is not None and not answer.done():
            answer.set_result(Reply(self.parser.get_status_code(), self.headers, body))

    def eof_received(self) -> None:
        open_ended = self.answer is not None or self.stream is not None
        if open_ended and self.headed and not _is_framed(self.headers):
            self._finish(keep=False)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(HopReset(str(exc or "closed by the peer")))

    def time_out(self) -> None:
        self._fail(HopTimeout())

    def _fail(self, error: HopError) -> None:
        answer, self.answer = self.answer, None
        stream, self.stream = self.stream, None
        self.transport.abort()
        if stream is not None:
            stream.end(error)
        if answer is not None and not answer.done():
            answer.set_exception(error)


class Hop:
    """The connections to one peer. `max_idle` in seconds."""

    def __init__(self, host: str, port: int, max_idle: float = 60.0) -> None:
        self.host, self.port, self.max_idle = host, port, max_idle
        self._idle: deque[_HopConnection] = deque()
        self._head_end = b" HTTP/1.1\r\nhost: " + f"{host}:{port}".encode() + b"\r\n"

    async def request(
        self,
        method: bytes,
        path: bytes,
        headers: Sequence[tuple[bytes, bytes]] = (),
        body: bytes = b"",
        timeout: float | None = None,  # noqa: ASYNC109 - a timer a call is cheaper than a scope
    ) -> Reply:
        """Call the peer; headers without host and framing. Raises HopError's three kinds."""
        answer = await self._ask(self._encode(method, path, headers, body), timeout, streams=False)
        assert isinstance(answer, Reply)
        return answer

    async def exchange(
        self,
        method: bytes,
        path: bytes,
        headers: Sequence[tuple[bytes, bytes]] = (),
        body: bytes = b"",
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> Answer:
        """As `request`, but an event stream is given as it comes."""
        return await self._ask(self._encode(method, path, headers, body), timeout, streams=True)

    async def _ask(self, request: bytes, timeout: float | None, streams: bool) -> Answer:  # noqa: ASYNC109
        loop = asyncio.get_running_loop()
        deadline = None if timeout is None else loop.time() + timeout
        connection = self._take(loop.time()) or await self._connect(loop, timeout)
        answer: asyncio.Future[Answer] = loop.create_future()
        connection.ask(request, answer, streams)
        timer = None if deadline is None else loop.call_at(deadline, connection.time_out)
        try:
            return await answer
        except asyncio.CancelledError:
            connection.transport.abort()
            raise
        finally:
            if timer is not None:
                timer.cancel()

    def close(self) -> None:
        """Close the idle connections."""
        while self._idle:
            self._idle.pop().transport.abort()

    def put_back(self, connection: _HopConnection) -> None:
        """Keep a connection whose call is over."""
        connection.idle_since = asyncio.get_running_loop().time()
        self._idle.append(connection)

    def _encode(
        self, method: bytes, path: bytes, headers: Sequence[tuple[bytes, bytes]], body: bytes
    ) -> bytes:
        lines = [method, b" ", path, self._head_end]
        for name, value in headers:
            lines += (name, b": ", value, b"\r\n")
        lines += (b"content-length: %d\r\n\r\n" % len(body), body)
        return b"".join(lines)

    def _take(self, now: float) -> _HopConnection | None:
        idle = self._idle
        while idle and now - idle[0].idle_since > self.max_idle:
            idle.popleft().transport.close()
        while idle:
            connection = idle.pop()
            if not connection.transport.is_closing():
                return connection
        return None

    async def _connect(self, loop: asyncio.AbstractEventLoop, timeout: float | None) -> _HopConnection:  # noqa: ASYNC109
        try:
            async with asyncio.timeout(timeout):
                _, connection = await loop.create_connection(
                    lambda: _HopConnection(self), self.host, self.port
                )
        except TimeoutError:
            raise HopTimeout from None
        except OSError as error:
            raise HopConnectError(str(error)) from None
        return connection


def _is_framed(headers: Headers) -> bool:
    """Whether it says where its body ends."""
    return any(name in (b"content-length", b"transfer-encoding") for name, _ in headers)


def _is_stream(headers: Headers) -> bool:
    """An event stream without a length."""
    kinds = dict(headers)
    return kinds.get(b"content-type", b"").startswith(b"text/event-stream") and b"content-length" not in kinds
