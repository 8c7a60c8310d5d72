"""The hop client on real sockets, against a peer that is driven by hand."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from fakes.http.asgi import StreamReply
from fakes.http.hop import Hop, HopConnectError, HopReset, HopTimeout

pytestmark = pytest.mark.e2e
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Peer:
    """Takes connections as they come; the test reads and writes them."""

    def __init__(self) -> None:
        self.accepted: asyncio.Queue[Pair] = asyncio.Queue()
        self.writers: list[asyncio.StreamWriter] = []

    async def start(self) -> Hop:
        self.server = await asyncio.start_server(self.accept, "127.0.0.1", 0)
        self.port: int = self.server.sockets[0].getsockname()[1]
        self.hop = Hop("127.0.0.1", self.port)
        return self.hop

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        await self.accepted.put((reader, writer))

    async def stop(self) -> None:
        self.hop.close()
        self.server.close()
        for writer in self.writers:
            writer.close()
        await self.server.wait_closed()
        await asyncio.sleep(0)

    def call(self, timeout: float | None = 20.0) -> asyncio.Task[tuple[int, bytes]]:
        async def run() -> tuple[int, bytes]:
            reply = await self.hop.request(b"POST", b"/x", [(b"a", b"b")], b"body", timeout)
            return reply.status, reply.body

        return asyncio.create_task(run())

    async def request(self, pair: Pair | None = None) -> Pair:
        """The connection of the next call, its request read."""
        reader, writer = pair or await self.accepted.get()
        await reader.readuntil(b"\r\n\r\nbody")
        return reader, writer


@pytest_asyncio.fixture
async def peer() -> AsyncIterator[Peer]:
    made = Peer()
    await made.start()
    yield made
    await made.stop()


async def test_the_request_is_whole_and_framed(peer: Peer) -> None:
    call = peer.call()
    reader, writer = await peer.accepted.get()
    sent = await reader.readuntil(b"\r\n\r\nbody")
    host = b"127.0.0.1:%d" % peer.port
    assert sent == b"POST /x HTTP/1.1\r\nhost: " + host + b"\r\na: b\r\ncontent-length: 4\r\n\r\nbody"
    writer.write(OK)
    assert await call == (200, b"ok")


async def test_a_connection_is_used_again(peer: Peer) -> None:
    pair: Pair | None = None
    for _ in range(3):
        call = peer.call()
        pair = await peer.request(pair)
        pair[1].write(OK)
        await call
    assert len(peer.writers) == 1


async def test_the_newest_idle_connection_is_taken_first(peer: Peer) -> None:
    calls = [peer.call() for _ in range(2)]
    pairs = [await peer.request() for _ in range(2)]
    for pair in pairs:
        pair[1].write(OK)
        await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        calls = [call for call in calls if not call.done()] or calls
    call = peer.call()
    await peer.request(pairs[1])
    pairs[1][1].write(OK)
    await call


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", b"abc"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + OK, b"ok"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", b""),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
    ],
)
async def test_answers_of_any_legal_framing_byte_by_byte(peer: Peer, answer: bytes, body: bytes) -> None:
    call = peer.call()
    _, writer = await peer.request()
    for byte in answer:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0)
    assert (await call)[1] == body


@pytest.mark.parametrize("body", [b"", b"till the end"])
async def test_an_answer_may_end_with_its_connection(peer: Peer, body: bytes) -> None:
    call = peer.call()
    _, writer = await peer.request()
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + body)
    writer.close()
    assert await call == (200, body)


async def test_a_connection_that_is_to_be_closed_is_not_used_again(peer: Peer) -> None:
    for _ in range(2):
        call = peer.call()
        _, writer = await peer.request()
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
        await call
    assert len(peer.writers) == 2


async def test_an_idle_connection_that_the_peer_closed_is_not_used(peer: Peer) -> None:
    call = peer.call()
    reader, writer = await peer.request()
    writer.write(OK)
    await call
    writer.close()
    await reader.read()
    while not peer.hop._idle[0].transport.is_closing():  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    call = peer.call()
    _, writer = await peer.request()
    writer.write(OK)
    assert (await call)[0] == 200


async def test_a_connection_idle_for_too_long_is_not_used(peer: Peer) -> None:
    peer.hop.max_idle = -1.0
    for _ in range(2):
        call = peer.call()
        _, writer = await peer.request()
        writer.write(OK)
        await call
    assert len(peer.writers) == 2


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\ncontent-le",
        b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf",
        b"garbage\r\n",
    ],
)
async def test_a_broken_answer_is_a_reset_and_is_not_asked_for_again(peer: Peer, answer: bytes) -> None:
    call = peer.call()
    _, writer = await peer.request()
    writer.write(answer)
    writer.close()
    with pytest.raises(HopReset):
        await call
    assert len(peer.writers) == 1


async def test_no_answer_in_time(peer: Peer) -> None:
    call = peer.call(timeout=0.05)
    reader, _ = await peer.request()
    with pytest.raises(HopTimeout):
        await call
    with contextlib.suppress(ConnectionResetError):
        assert await reader.read() == b""


async def test_cancelling_a_call_closes_its_connection(peer: Peer) -> None:
    call = peer.call()
    reader, _ = await peer.request()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    with contextlib.suppress(ConnectionResetError):
        assert await reader.read() == b""
    assert not peer.hop._idle


async def test_a_peer_that_is_not_there(peer: Peer) -> None:
    peer.server.close()
    await peer.server.wait_closed()
    with pytest.raises(HopConnectError):
        await peer.call()


HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


async def begun(peer: Peer) -> tuple[StreamReply, Pair]:
    """A stream of which the head and one chunk have come."""
    call = asyncio.create_task(peer.hop.exchange(b"POST", b"/x", [], b"body", 20))
    reader, writer = await peer.request()
    writer.write(HEAD + b"3\r\none\r\n")
    reply = await call
    assert isinstance(reply, StreamReply)
    assert await anext(reply.chunks) == b"one"
    return reply, (reader, writer)


async def test_a_stream_is_given_as_it_comes_and_its_connection_kept(peer: Peer) -> None:
    reply, pair = await begun(peer)
    pair[1].write(b"3\r\ntwo\r\n0\r\n\r\n")
    assert [chunk async for chunk in reply.chunks] == [b"two"]
    again = peer.call()
    _, writer = await peer.request(pair)
    writer.write(OK)
    assert await again == (200, b"ok")


async def test_a_stream_that_breaks_says_so(peer: Peer) -> None:
    reply, (_, writer) = await begun(peer)
    writer.transport.abort()
    with pytest.raises(HopReset):
        await anext(reply.chunks)


async def test_a_stream_given_up_is_a_disconnect(peer: Peer) -> None:
    reply, (reader, _) = await begun(peer)
    await reply.chunks.aclose()
    with contextlib.suppress(ConnectionResetError):
        assert await reader.read() == b""


async def test_the_timeout_is_for_a_streams_head_alone(peer: Peer) -> None:
    call = asyncio.create_task(peer.hop.exchange(b"POST", b"/x", [], b"body", 0.2))
    _, writer = await peer.request()
    writer.write(HEAD)
    reply = await call
    assert isinstance(reply, StreamReply)
    await asyncio.sleep(0.3)
    writer.write(b"3\r\none\r\n0\r\n\r\n")
    assert [chunk async for chunk in reply.chunks] == [b"one"]


async def test_a_request_gives_a_stream_whole(peer: Peer) -> None:
    call = peer.call()
    _, writer = await peer.request()
    writer.write(HEAD + b"3\r\none\r\n0\r\n\r\n")
    assert await call == (200, b"one")
