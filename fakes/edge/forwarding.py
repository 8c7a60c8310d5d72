"""The last step of the edge: the call goes on to the balancer, and its answer back.

Sent on are the client's headers but for framing, the token, and any that only the edge may set;
added are X-User-ID, X-User-Tier (if the token names one), X-Gateway-Secret and X-Request-ID (made here
unless the client brought one). No answer within `forward_timeout` seconds: 504 gateway_timeout. For an event
stream that counts until its head is there; a client that leaves a stream ends it at the origin too, and a
stream that breaks is broken off.

`edge.name_routes` sends a call to the origin that its `Mcp-Name` names; the header alone is believed.
"""

from __future__ import annotations

import itertools
import secrets
import time
from typing import Final

from fakes.edge.balancer import Balancer, OriginUnavailable
from fakes.edge.metrics import EdgeMetrics
from fakes.edge_runtime.isolate import EdgeCall
from fakes.http import mcp_headers, rpc
from fakes.http.asgi import (
    Answer,
    Headers,
    Receive,
    Reply,
    Scope,
    Send,
    StreamReply,
    send_reply,
    send_stream,
    whole_body,
)
from fakes.http.hop import HopReset, HopTimeout

_HOP_BY_HOP: Final = frozenset(
    (b"connection", b"keep-alive", b"transfer-encoding", b"content-length", b"te", b"trailer", b"upgrade")
)
_OURS: Final = frozenset((b"x-user-id", b"x-user-tier", b"x-gateway-secret", b"x-backend", b"x-lb-state"))
_KEPT_BACK: Final = _HOP_BY_HOP | _OURS | {b"host", b"authorization", b"expect", b"cf-connecting-ip"}
_NOT_RETURNED: Final = _HOP_BY_HOP | {b"date", b"server"}


class Forward:
    """The innermost ASGI app of the edge."""

    def __init__(self, balancer: Balancer, metrics: EdgeMetrics, gateway_secret: str) -> None:
        self.balancer, self.metrics = balancer, metrics
        self._secret = (b"x-gateway-secret", gateway_secret.encode())
        self._run, self._numbers = secrets.token_hex(4).encode(), itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: D102
        call: EdgeCall = scope["state"]["call"]
        body = await whole_body(scope, receive)
        if call.checkpoint is not None:
            call.checkpoint()
        reply: Answer
        try:
            reply = await self._answer(scope, call, body)
        except HopTimeout:
            reply = self._refusal("gateway_timeout", body)
        except OriginUnavailable as error:
            reply = self._refusal("origin_unavailable", body, str(error), error.status)
        if isinstance(reply, Reply):
            await send_reply(send, reply)
        else:
            await self._relay(scope, send, reply)

    async def _relay(self, scope: Scope, send: Send, reply: StreamReply) -> None:
        try:
            await send_stream(send, reply)
        except HopReset:
            scope["state"]["abort"]()

    async def _answer(self, scope: Scope, call: EdgeCall, body: bytes) -> Answer:
        self.metrics.forwarded().inc()
        edge = call.snapshot.settings.edge
        deadline = time.monotonic() + edge.forward_timeout
        method, path = scope["method"].encode(), _target(scope)
        routes = edge.name_routes
        preferred = routes.get(mcp_headers.name_of(call.headers) or "") if routes else None
        reply = await self.balancer.forward(
            call.snapshot, method, path, self._headers(call, scope), body, deadline, preferred
        )
        reply.headers[:] = [pair for pair in reply.headers if pair[0] not in _NOT_RETURNED]
        return reply

    def _headers(self, call: EdgeCall, scope: Scope) -> Headers:
        headers = [pair for pair in scope["headers"] if pair[0] not in _KEPT_BACK]
        headers.append(self._secret)
        if call.user:
            headers.append((b"x-user-id", call.user.encode()))
        if call.tier:
            headers.append((b"x-user-tier", call.tier.encode()))
        if b"x-request-id" not in call.headers:
            headers.append((b"x-request-id", b"%b-%d" % (self._run, next(self._numbers))))
        return headers

    def _refusal(
        self, reason: str, body: bytes, message: str | None = None, status: int | None = None
    ) -> Reply:
        self.metrics.refused(reason).inc()
        return rpc.refuse(reason, rpc.id_of(body), message, status=status)


def _target(scope: Scope) -> bytes:
    path: bytes = scope["raw_path"]
    query: bytes = scope["query_string"]
    return path + b"?" + query if query else path
