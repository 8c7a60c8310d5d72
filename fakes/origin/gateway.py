"""The gateway's request path: secret, Origin, rate limit, era, session, deadline, then the method.

Every answer to a POST behind the secret carries X-RateLimit-Limit, -Remaining and -Reset (Unix seconds); −1
is no limit, by plan or because the protection is off.

A caller who leaves ends its call. Not so within a session of the legacy era: there the call goes on until
its end, unless `notifications/cancelled` names it.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import math
import random
import secrets
import time
from collections.abc import Callable, Coroutine, Mapping
from contextlib import nullcontext
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from fakes.control.state import Snapshot
from fakes.http import mcp_headers, rpc
from fakes.http.asgi import JSON, Answer, Headers, Reply, StreamReply
from fakes.http.reasons import RefusedError
from fakes.origin.eras import MODERN, Era, check_modern, era_of, says_legacy
from fakes.origin.mcp import Mcp
from fakes.origin.memory import OriginMemory
from fakes.origin.metrics import OriginMetrics
from fakes.origin.orphans import Orphans
from fakes.origin.sessions import Session, Sessions
from fakes.origin.streams import EVENT_STREAM, Call, ProgressStream, StandingStreams, progress_token
from fakes.origin.tool_call import CallContext
from fakes.protections import deadline_propagation, idempotency
from fakes.protections.rate_limit import Decision
from fakes.protections.timeout import Deadline
from fakes.settings import McpSettings

Work = Coroutine[Any, Any, Reply]
log = logging.getLogger(__name__)


class Gateway:
    """Answers what comes to /v1/mcp. `instance` is the name that the usage rows carry.

    `went_on` hears of a call that goes on without its caller.
    """

    def __init__(
        self,
        secret: str,
        memory: OriginMemory,
        mcp: Mcp,
        metrics: OriginMetrics,
        sessions: Sessions,
        streams: StandingStreams,
        went_on: Callable[[Call], None],
    ) -> None:
        self._secret = secret.encode()
        self._memory, self._mcp, self._metrics = memory, mcp, metrics
        self._sessions, self._streams, self._went_on = sessions, streams, went_on
        self._random = random.Random(secret)
        self._without_caller = Orphans()
        metrics.orphan_seconds(lambda: self._without_caller.seconds)
        self.instance = ""

    async def answer(self, snapshot: Snapshot, lines: Headers, body: bytes, came: float) -> Answer:
        """A POST's whole path; what goes wrong is an answer too. `came`: when, in monotonic seconds."""
        headers = mcp_headers.by_name(lines)
        try:
            user = self._caller(snapshot, headers)
        except (RefusedError, rpc.RpcError) as error:
            return self._failed(error, rpc.id_of(body))
        decision = self._limit(snapshot, user, headers)
        reply: Answer
        if decision.allowed:
            reply = await self._admitted(snapshot, user, headers, body, came)
        else:
            reply = self._limited(decision, rpc.id_of(body))
        reply.headers.extend(_shown(decision))
        return reply

    async def beside(self, snapshot: Snapshot, method: str, lines: Headers) -> Answer:
        """What a session has beside POST: GET, its stream; DELETE, its end. 405 where there is none."""
        headers = mcp_headers.by_name(lines)
        settings = snapshot.settings.mcp
        try:
            user = self._caller(snapshot, headers)
            offered = settings.sessions != "off" and method in ("GET", "DELETE")
            if not offered or not says_legacy(headers):
                return Reply(405, [JSON, (b"allow", b"POST")], b'{"error":"only POST"}')
            session = await self._sessions.find(headers, user, shared := settings.sessions == "shared")
            if method == "GET":
                return self._streams.get(session, settings.keep_alive)
            await self._sessions.close(session, shared)
        except (RefusedError, rpc.RpcError) as error:
            return self._failed(error, None)
        return Reply(200, [], b"")

    def _caller(self, snapshot: Snapshot, headers: Mapping[bytes, bytes]) -> str:
        if not hmac.compare_digest(headers.get(b"x-gateway-secret", b""), self._secret):
            raise RefusedError("bad_gateway_secret")
        origin = headers.get(b"origin")
        if origin is not None and _host(origin) not in snapshot.settings.mcp.origins:
            raise rpc.RpcError(rpc.INVALID_REQUEST, "Origin is not allowed", 403)
        user = headers.get(b"x-user-id", b"").decode("utf-8", "replace")
        if not user:
            raise RefusedError("missing_token", "no X-User-ID")
        return user

    def _limit(self, snapshot: Snapshot, user: str, headers: Mapping[bytes, bytes]) -> Decision:
        limiter = self._memory.limiter
        if "rate-limit" in snapshot.protections:
            return limiter.take(user, headers.get(b"x-user-tier", b"").decode("latin-1"))
        return limiter.unlimited()

    def _limited(self, decision: Decision, request_id: rpc.Id) -> Reply:
        self._metrics.limited("rate-limit").inc()
        return self.refuse(RefusedError("rate_limit_exceeded", retry_after=decision.retry_after), request_id)

    async def _admitted(
        self, snapshot: Snapshot, user: str, headers: Mapping[bytes, bytes], body: bytes, came: float
    ) -> Answer:
        settings = snapshot.settings.mcp
        session = None
        try:
            request = rpc.decode(body)
            era = era_of(headers, request)
            if era is MODERN:
                check_modern(headers, request, settings)
            elif settings.sessions != "off" and request.method != "initialize":
                session = await self._sessions.find(headers, user, settings.sessions == "shared")
        except (RefusedError, rpc.RpcError) as error:
            return self._failed(error, rpc.id_of(body))
        if era is MODERN and request.method == "subscriptions/listen":
            return self._streams.listen(request.id, settings.keep_alive)
        if session is not None and request.method == "notifications/cancelled":
            session.cancel_call(request.params.get("requestId"))
        deadline = _deadline(snapshot, headers, came)
        work = self._served(snapshot, user, _names(snapshot, user, headers), era, request, deadline)
        event = self._event_wanted(settings, headers)
        token = progress_token(request.params) if event else None
        if token is None:
            reply = await (work if session is None else self._in_session(work, session, request))
            return _event(reply) if event and reply.status == 200 else reply
        call = asyncio.get_running_loop().create_task(work)
        left = _stop
        if session is not None:
            session.begin(request.id, call)
            left = self._go_on
        return StreamReply(200, [EVENT_STREAM], ProgressStream(call, token, settings.progress, left))

    def _event_wanted(self, settings: McpSettings, headers: Mapping[bytes, bytes]) -> bool:
        share = settings.sse
        if not share or b"text/event-stream" not in headers.get(b"accept", b""):
            return False
        return share >= 1 or self._random.random() < share

    async def _in_session(self, work: Work, session: Session, request: rpc.Request) -> Reply:
        """The answer to work that its caller may leave without ending it."""
        call = asyncio.get_running_loop().create_task(work)
        session.begin(request.id, call)
        try:
            return await asyncio.shield(call)
        except asyncio.CancelledError:
            if call.cancelled():  # the caller said so, and waits all the same
                return rpc.failure(request.id, rpc.CANCELLED, "Request cancelled")
            self._go_on(call)
            raise

    def _go_on(self, call: Call) -> None:
        self._metrics.caller_left("went-on").inc()
        self._without_caller.add(call)
        self._went_on(call)

    async def _served(
        self,
        snapshot: Snapshot,
        user: str,
        names: Names,
        era: Era,
        request: rpc.Request,
        deadline: Deadline | None,
    ) -> Reply:
        try:
            return await self._in_time(snapshot, user, names, era, request, deadline)
        except RefusedError as refused:
            return self.refuse(refused, request.id)
        except asyncio.CancelledError:
            if asyncio.current_task() not in self._without_caller:  # a caller leaves once
                self._metrics.caller_left("stopped").inc()
            raise
        except Exception:
            log.exception("a request failed")
            return self.refuse(RefusedError("internal_error"), request.id)

    async def _in_time(
        self,
        snapshot: Snapshot,
        user: str,
        names: Names,
        era: Era,
        request: rpc.Request,
        deadline: Deadline | None,
    ) -> Reply:
        settings, gates, instance = snapshot.settings, self._memory.in_force, self.instance
        async with nullcontext() if deadline is None else deadline:
            context = CallContext(
                user, names.request_id, settings, gates, deadline, instance, era, request.id,
                names.intent, names.once,
            )  # fmt: skip
            return await self._mcp.answer(context, request)

    def _failed(self, error: RefusedError | rpc.RpcError, request_id: rpc.Id) -> Reply:
        if isinstance(error, RefusedError):
            return self.refuse(error, request_id)
        return rpc.failed(request_id, error)

    def refuse(self, refused: RefusedError, request_id: rpc.Id) -> Reply:
        """A refusal as an answer, counted."""
        self._metrics.refused(refused.reason).inc()
        return rpc.refuse(
            refused.reason, request_id, refused.message, refused.retry_after, detail=refused.detail
        )


class Names(NamedTuple):
    """What a call is known by; see `fakes.origin.tool_call.CallContext`."""

    request_id: str
    intent: str
    once: bool


def _names(snapshot: Snapshot, user: str, headers: Mapping[bytes, bytes]) -> Names:
    key = idempotency.told(headers)
    if key and idempotency.NAME in snapshot.protections:
        return Names(f"{user}/{key}", key, True)
    request_id = headers.get(b"x-request-id", b"").decode("latin-1") or secrets.token_hex(16)
    return Names(request_id, key, False)


def _deadline(snapshot: Snapshot, headers: Mapping[bytes, bytes], came: float) -> Deadline | None:
    """The call's end: the gateway's own timeout from now on, or what its caller waits from `came` on."""
    own = snapshot.settings.origin.timeout if "timeout" in snapshot.protections else math.inf
    heeded = deadline_propagation.NAME in snapshot.protections
    told = deadline_propagation.told(headers.items()) if heeded else None
    waited = time.monotonic() - came
    if told is not None and told - waited < own:
        return Deadline(told, waited, callers=True)
    return None if own == math.inf else Deadline(own)


def _shown(decision: Decision) -> Headers:
    return [
        (b"x-ratelimit-limit", b"%d" % decision.limit),
        (b"x-ratelimit-remaining", b"%d" % decision.remaining),
        (b"x-ratelimit-reset", b"%d" % decision.reset),
    ]


def _event(reply: Reply) -> Reply:
    """The answer as the one event of a stream."""
    return Reply(200, [EVENT_STREAM, *reply.headers[1:]], rpc.event(reply.body))


def _stop(call: Call) -> None:
    call.cancel()


def _host(origin: bytes) -> str | None:
    """The host that an `Origin` names."""
    try:
        return urlsplit(origin.decode("latin-1")).hostname
    except ValueError:
        return None
