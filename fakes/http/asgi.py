"""Types and small helpers of plain ASGI, shared by every fake.

An answer is one `Reply` and goes out in one piece, with its length; a `StreamReply` is an event stream that
goes out chunk by chunk. The body of a request is read once, by `whole_body`, and kept in
`scope["state"]["body"]`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from typing import Any, Final, NamedTuple, Protocol

Headers = list[tuple[bytes, bytes]]
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Coroutine[Any, Any, None]]

JSON: Final = (b"content-type", b"application/json")
TEXT: Final = (b"content-type", b"text/plain; version=0.0.4; charset=utf-8")


class Reply(NamedTuple):
    """A whole answer. Header names are lower case; framing headers are left to the server."""

    status: int
    headers: Headers
    body: bytes


class Chunks(Protocol):
    """The body of a stream, chunk by chunk. Whoever holds one closes it, read or not."""

    def __aiter__(self) -> Chunks:
        """Itself."""

    async def __anext__(self) -> bytes:
        """The next chunk."""

    async def aclose(self) -> None:
        """Nobody reads on: free what it holds. A second time does nothing."""


class StreamReply(NamedTuple):
    """An answer whose body comes bit by bit."""

    status: int
    headers: Headers
    chunks: Chunks


Answer = Reply | StreamReply


class Disconnect(Exception):  # noqa: N818 - an event, named as ASGI names it
    """The peer went away before its request was whole."""


async def whole_body(scope: Scope, receive: Receive) -> bytes:
    """The request's body, read once and kept. Raises Disconnect."""
    state = scope["state"]
    body: bytes | None = state.get("body")
    if body is None:
        body = state["body"] = await _read(receive)
    return body


async def _read(receive: Receive) -> bytes:
    chunks = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnect
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def header(scope: Scope, name: bytes) -> bytes | None:
    """The first value of a header, by its lower-case name."""
    for key, value in scope["headers"]:
        if key == name:
            return bytes(value)
    return None


async def send_reply(send: Send, reply: Reply) -> None:
    """Send a whole answer; adds `content-length`."""
    headers = [*reply.headers, (b"content-length", b"%d" % len(reply.body))]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})


async def send_stream(send: Send, reply: StreamReply) -> None:
    """Send a stream to its end and close it, whatever ends it. Raises what its chunks raise."""
    try:
        await send({"type": "http.response.start", "status": reply.status, "headers": reply.headers})
        async for chunk in reply.chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    finally:
        await reply.chunks.aclose()
