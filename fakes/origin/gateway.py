"""The gateway's request path: secret, rate limit, deadline, then the method. See `fakes.origin`.

Every answer behind the secret carries X-RateLimit-Limit, -Remaining and -Reset (Unix seconds); −1 is no
limit, by plan or because the protection is off.
"""

from __future__ import annotations

import hmac
import logging
import secrets
from collections.abc import Mapping
from typing import Final

from fakes.control.state import Snapshot
from fakes.http import rpc
from fakes.http.asgi import Headers, Reply
from fakes.http.reasons import RefusedError
from fakes.origin.mcp import Mcp
from fakes.origin.memory import OriginMemory
from fakes.origin.metrics import OriginMetrics
from fakes.origin.tool_call import CallContext
from fakes.protections.rate_limit import Decision
from fakes.protections.timeout import Deadline

SSE: Final = (b"content-type", b"text/event-stream")
log = logging.getLogger(__name__)


class Gateway:
    """Answers a POST to /v1/mcp. `instance` is the name that the usage rows carry."""

    def __init__(self, secret: str, memory: OriginMemory, mcp: Mcp, metrics: OriginMetrics) -> None:
        self._secret = secret.encode()
        self._memory, self._mcp, self._metrics = memory, mcp, metrics
        self.instance = ""

    async def answer(self, snapshot: Snapshot, headers: Mapping[bytes, bytes], body: bytes) -> Reply:
        """The whole path; what goes wrong is an answer too."""
        if not hmac.compare_digest(headers.get(b"x-gateway-secret", b""), self._secret):
            return self._refuse(RefusedError("bad_gateway_secret"), rpc.id_of(body))
        user = headers.get(b"x-user-id", b"").decode("utf-8", "replace")
        if not user:
            return self._refuse(RefusedError("missing_token", "no X-User-ID"), rpc.id_of(body))
        decision = self._limit(snapshot, user, headers)
        if decision.allowed:
            reply = await self._admitted(snapshot, user, headers, body)
        else:
            reply = self._limited(decision, rpc.id_of(body))
        reply.headers.extend(_shown(decision))
        return reply

    def _limit(self, snapshot: Snapshot, user: str, headers: Mapping[bytes, bytes]) -> Decision:
        limiter = self._memory.limiter
        if "rate-limit" in snapshot.protections:
            return limiter.take(user, headers.get(b"x-user-tier", b"").decode("latin-1"))
        return limiter.unlimited()

    def _limited(self, decision: Decision, request_id: rpc.Id) -> Reply:
        self._metrics.limited("rate-limit").inc()
        return self._refuse(RefusedError("rate_limit_exceeded", retry_after=decision.retry_after), request_id)

    async def _admitted(
        self, snapshot: Snapshot, user: str, headers: Mapping[bytes, bytes], body: bytes
    ) -> Reply:
        try:
            request = rpc.decode(body)
        except rpc.RpcError as error:
            return rpc.failure(rpc.id_of(body), error.code, error.message)
        request_id = headers.get(b"x-request-id", b"").decode("latin-1") or secrets.token_hex(16)
        reply = await self._served(snapshot, user, request_id, request)
        wanted = snapshot.settings.origin.sse and b"text/event-stream" in headers.get(b"accept", b"")
        return _event(reply) if wanted and reply.status == 200 else reply

    async def _served(self, snapshot: Snapshot, user: str, request_id: str, request: rpc.Request) -> Reply:
        try:
            return await self._in_time(snapshot, user, request_id, request)
        except RefusedError as refused:
            return self._refuse(refused, request.id)
        except Exception:
            log.exception("a request failed")
            return self._refuse(RefusedError("internal_error"), request.id)

    async def _in_time(self, snapshot: Snapshot, user: str, request_id: str, request: rpc.Request) -> Reply:
        settings, gates, instance = snapshot.settings, self._memory.in_force, self.instance
        if "timeout" not in snapshot.protections:
            context = CallContext(user, request_id, settings, gates, None, instance)
            return await self._mcp.answer(context, request)
        async with Deadline(settings.origin.timeout) as deadline:
            context = CallContext(user, request_id, settings, gates, deadline, instance)
            return await self._mcp.answer(context, request)

    def _refuse(self, refused: RefusedError, request_id: rpc.Id) -> Reply:
        self._metrics.refused(refused.reason).inc()
        return rpc.refuse(
            refused.reason, request_id, refused.message, refused.retry_after, detail=refused.detail
        )


def _shown(decision: Decision) -> Headers:
    return [
        (b"x-ratelimit-limit", b"%d" % decision.limit),
        (b"x-ratelimit-remaining", b"%d" % decision.remaining),
        (b"x-ratelimit-reset", b"%d" % decision.reset),
    ]


def _event(reply: Reply) -> Reply:
    """The answer as the one event of a stream."""
    return Reply(200, [SSE, *reply.headers[1:]], b"event: message\ndata: " + reply.body + b"\n\n")
