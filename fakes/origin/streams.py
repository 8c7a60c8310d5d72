"""Event streams of an origin: those that stand open for the server's messages, and answers with progress.

    standing   the legacy era's GET and the modern `subscriptions/listen`: one event at once, then a comment
               line every `keep_alive` seconds until the client leaves or the session ends
    progress   the answer of one call that gave a progress token: `notifications/progress` at once and every
               `progress` seconds, then the answer. Whether the call ends with its stream is its era's rule
A tool list does not change while an origin serves, so there is nothing else to be told.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping
from typing import Any, Final

from fakes.http import rpc
from fakes.http.asgi import Reply, StreamReply
from fakes.http.metrics import Metrics
from fakes.origin.eras import SUBSCRIPTION_KEY
from fakes.origin.sessions import Session

Call = asyncio.Task[Reply]
EVENT_STREAM: Final = (b"content-type", b"text/event-stream")
COMMENT: Final = b": keep-alive\n\n"
RETRY: Final = 3000  # milliseconds that a client of the legacy era waits before it resumes a stream


class StandingStreams:
    """The streams that stand open at one origin."""

    def __init__(self, metrics: Metrics) -> None:
        self._numbers = itertools.count(1)
        self._open = {"get": 0, "listen": 0}
        self._opened = metrics.counter("mcpist_streams_total", "Standing streams opened.", "kind")
        gauge = metrics.gauge("mcpist_streams_open", "Standing streams now.", "kind")
        for kind in self._open:
            gauge(kind).set_function(lambda kind=kind: self._open[kind])  # type: ignore[misc]

    def get(self, session: Session, keep_alive: float) -> StreamReply:
        """The stream of a legacy session; ends with it."""
        prime = b"id: %d\nretry: %d\ndata: \n\n" % (next(self._numbers), RETRY)
        stream = StandingStream(self, "get", prime, keep_alive)
        stream.session = session
        session.streams.add(stream)
        return StreamReply(200, [EVENT_STREAM], stream)

    def listen(self, request_id: rpc.Id, keep_alive: float) -> StreamReply:
        """The stream of a modern subscription, acknowledged first. No kind of notice is ever sent."""
        params = {"notifications": {}, "_meta": {SUBSCRIPTION_KEY: str(request_id)}}
        first = rpc.event(rpc.notification("notifications/subscriptions/acknowledged", params))
        return StreamReply(200, [EVENT_STREAM], StandingStream(self, "listen", first, keep_alive))

    def count(self, kind: str, change: int) -> None:
        """A stream opened (1) or closed (−1)."""
        self._open[kind] += change
        if change > 0:
            self._opened(kind).inc()


class StandingStream:
    """One of them."""

    session: Session | None = None

    def __init__(self, streams: StandingStreams, kind: str, first: bytes, keep_alive: float) -> None:
        self._streams, self._kind, self._keep_alive = streams, kind, keep_alive
        self._first: bytes | None = first
        self._ended = asyncio.Event()
        self._closed = False
        streams.count(kind, 1)

    def __aiter__(self) -> StandingStream:
        return self

    async def __anext__(self) -> bytes:
        if self._first is not None:
            first, self._first = self._first, None
            return first
        try:
            async with asyncio.timeout(self._keep_alive):
                await self._ended.wait()
        except TimeoutError:
            return COMMENT
        raise StopAsyncIteration

    def cancel(self) -> None:
        """The session is over."""
        self._ended.set()

    async def aclose(self) -> None:
        """The client left."""
        if not self._closed:
            self._closed = True
            self._streams.count(self._kind, -1)
            if self.session is not None:
                self.session.streams.discard(self)


class ProgressStream:
    """The answer of `call` with progress before it. `left` is told of a call whose reader left before it."""

    def __init__(self, call: Call, token: object, every: float, left: Callable[[Call], None]) -> None:
        self._call, self._token, self._every, self._left = call, token, every, left
        self._told = 0
        self._answered = False

    def __aiter__(self) -> ProgressStream:
        return self

    async def __anext__(self) -> bytes:
        if self._told:
            await asyncio.wait((self._call,), timeout=self._every)
        if self._answered or self._call.cancelled():
            raise StopAsyncIteration
        if self._call.done():
            self._answered = True
            return rpc.event(self._call.result().body)
        self._told += 1
        params = {"progressToken": self._token, "progress": self._told - 1}
        return rpc.event(rpc.notification("notifications/progress", params))

    async def aclose(self) -> None:
        """The client left, or has its answer."""
        if not self._call.done():
            self._left(self._call)


def progress_token(params: Mapping[str, Any]) -> object:
    """What a request's progress is to be told under; None where it asks for none."""
    meta = params.get("_meta")
    return meta.get("progressToken") if isinstance(meta, dict) else None
