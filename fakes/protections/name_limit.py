"""`name-limit`: at most `per_s` calls a second of one user to one tool, as its name stands in `Mcp-Name`.

Fixed windows of a second, aligned to the wall clock, counted in the isolate's memory. With `compare` 0 the
header is believed and the body never read: a call without the header passes, and one that names another
tool is counted as that. With `compare` 1 the body is read: it gives the name of every tool call, and a
header that says otherwise is answered 400 with −32020.
"""

from __future__ import annotations

import math
from typing import Final

from fakes.edge_runtime.isolate import EdgeCall, Isolate, Layer, refuse
from fakes.http import mcp_headers, rpc
from fakes.http.asgi import ASGIApp, Receive, Scope, Send, send_reply, whole_body

NAME: Final = "name-limit"


class NameLimit:
    """The layer."""

    def __init__(self, inner: ASGIApp, isolate: Isolate) -> None:
        self.inner, self.isolate = inner, isolate
        self._window = -1
        self._counts: dict[tuple[str, str], int] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: D102
        call: EdgeCall = scope["state"]["call"]
        if NAME not in call.snapshot.protections:
            return await self.inner(scope, receive, send)
        settings = call.snapshot.settings.protections[NAME]
        name = mcp_headers.name_of(call.headers)
        if settings["compare"]:
            body = await whole_body(scope, receive)
            told, name = name, _name_in(body)
            if b"mcp-name" in call.headers and told != name:
                return await send_reply(send, rpc.header_mismatch(rpc.id_of(body), "Mcp-Name"))
        now = self.isolate.clock()
        if name is None or self._admits(call.user, name, math.floor(now), settings["per_s"]):
            return await self.inner(scope, receive, send)
        self.isolate.metrics.hits(NAME).inc()
        return await refuse(
            scope, receive, send, self.isolate, "name_limit_exceeded", retry_after=1 - now % 1
        )

    def _admits(self, user: str, name: str, window: int, most: float) -> bool:
        if window != self._window:
            self._window, self._counts = window, {}
        count = self._counts.get((user, name), 0)
        if count >= most:
            return False
        self._counts[user, name] = count + 1
        return True


def _name_in(body: bytes) -> str | None:
    """The name that the body gives; what is no request is left to the origin."""
    try:
        request = rpc.decode(body)
    except rpc.RpcError:
        return None
    name = mcp_headers.named(request.method, request.params)
    return name if isinstance(name, str) else None


PROTECTION: Final[Layer] = NameLimit
