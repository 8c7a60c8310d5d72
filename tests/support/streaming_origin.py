"""An origin that answers with a stream, which the test feeds."""

from __future__ import annotations

import asyncio
from typing import Any

from fakes.http.asgi import Receive, Scope, Send


class Streaming:
    """Sends what is put in `chunks`; an empty one is the end. `left`: its client did."""

    def __init__(self) -> None:
        self.chunks: asyncio.Queue[bytes] = asyncio.Queue()
        self.left = asyncio.Event()
        self.abort: Any = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.abort = scope["state"]["abort"]
        headers = [(b"content-type", b"text/event-stream"), (b"x-instance-id", b"one")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        try:
            while True:
                chunk = await self.chunks.get()
                await send({"type": "http.response.body", "body": chunk, "more_body": bool(chunk)})
                if not chunk:
                    return
        except asyncio.CancelledError:
            self.left.set()
            raise
