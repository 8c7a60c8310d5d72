"""One tool call at the origin, in order: gates, charge, upstream, usage row.

The gates (user-concurrency, global-concurrency, breaker) stand before the charge, so a refused call
costs nothing. A call that was charged and then failed stays charged: the gateway charges first.

What the breaker learns: an answer below 500 is the upstream's success; an answer of 500 and more, a
broken or refused connection, and the gateway's own timeout passing while the upstream was waited for are
its failure. A client that hangs up, or whose own deadline passes, says nothing, unless it had waited
`breaker_slow` seconds by then: else one impatient caller would open the breaker for all.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, NamedTuple

import msgspec

from fakes.bugs.bug import AskedCall
from fakes.bugs.bugs import Bugs
from fakes.http import rpc
from fakes.http.asgi import Reply
from fakes.http.hop import Hop, HopError
from fakes.http.metrics import Metrics
from fakes.http.reasons import RefusedError
from fakes.origin.eras import LEGACY, Era
from fakes.origin.stored.credits import Credits, UsageRow, UsageWriter
from fakes.origin.tools import Command
from fakes.protections.gate import Admission, CallEnd, Gate
from fakes.protections.idempotency import NAME, AnswerStore, Idempotency
from fakes.protections.timeout import Deadline
from fakes.settings import StackSettings

DUR: Final = b"dur="
INTENT: Final = b"x-intent"  # tells an upstream whose work it does, so that it can be counted
_encode: Final = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class CallContext:
    """What all tool calls of one request share; one snapshot, taken when it came in."""

    user: str
    request_id: str
    settings: StackSettings
    gates: Sequence[Gate]
    deadline: Deadline | None
    instance: str
    era: Era = LEGACY
    rpc_id: rpc.Id = None
    intent: str = ""  # the key that the call brought
    once: bool = False  # what has that key is carried out once: `request_id` is made of it


class ToolResult(NamedTuple):
    """What a tool said. `upstream_ms` is the upstream's own time, None if it did not tell."""

    text: str
    is_error: bool
    upstream_ms: float | None


class ToolCaller:
    """Makes tool calls."""

    def __init__(
        self,
        upstream: Hop,
        credits: Credits,
        usage: UsageWriter,
        answers: AnswerStore[ToolResult],
        metrics: Metrics,
        bugs: Bugs,
    ) -> None:
        self._upstream, self._credits, self._usage, self._bugs = upstream, credits, usage, bugs
        replayed = metrics.counter("mcpist_replayed_total", "Repeats that got the first call's answer.")
        self._memory = Idempotency(answers, replayed().inc)
        self._calls = metrics.counter(
            "mcpist_upstream_calls_total", "Calls to upstreams.", "upstream", "outcome"
        )
        self.running = self.running_peak = 0
        metrics.track("mcpist_tool_calls", "Tool calls that passed the gates, now.", lambda: self.running)
        metrics.track("mcpist_tool_calls_peak", "Most since reset.", lambda: self.running_peak)

    def forget(self) -> None:
        """Start the peak anew."""
        self.running_peak = self.running

    async def call(self, context: CallContext, command: Command, request_id: str) -> ToolResult:
        """One call, charged under `request_id`. Raises RefusedError."""
        if not context.once:
            return await self._called(context, command, request_id)
        keep = context.settings.protections[NAME]["keep"]
        work = partial(self._called, context, command, request_id)
        result, repeated = await self._memory.once(request_id, keep, work)
        return result._replace(upstream_ms=None) if repeated else result

    async def _called(self, context: CallContext, command: Command, request_id: str) -> ToolResult:
        admission = Admission(context.gates, context.user, command.module)
        try:
            with admission:
                reply = await self._counted(self._charged(context, command, admission, request_id))
        finally:
            await admission.given_back()
        return _result(reply)

    async def _charged(
        self, context: CallContext, command: Command, admission: Admission, request_id: str
    ) -> Reply | None:
        began, intent = time.monotonic(), context.intent or None
        await self._credits.charge(context.user, request_id, context.settings.database, intent)
        outcome = "abandoned"
        try:
            reply = await self._answered(context, command, admission)
            outcome = _outcome(reply)
        finally:
            self._calls(command.module, outcome).inc()
        spent = (time.monotonic() - began) * 1000
        call = (request_id, context.user, command.module, command.tool)
        self._usage.add(UsageRow(*call, outcome, spent, context.instance, intent))
        return reply

    async def _counted(self, call: Awaitable[Reply | None]) -> Reply | None:
        self.running += 1
        self.running_peak = max(self.running_peak, self.running)
        try:
            return await call
        finally:
            self.running -= 1

    async def _answered(self, context: CallContext, command: Command, admission: Admission) -> Reply | None:
        bugs = context.settings.bugs
        if not bugs:
            return await self._ask(context, command, admission)
        asked = AskedCall(context.user, context.rpc_id, f"{command.module}.{command.tool}")
        return await self._bugs.answer(bugs, asked, partial(self._ask, context, command, admission))

    async def _ask(self, context: CallContext, command: Command, admission: Admission) -> Reply | None:
        asked, admission.outcome = time.monotonic(), CallEnd.ABANDONED
        path = f"/{command.module}/{command.tool}".encode()
        told = ((INTENT, context.intent.encode("latin-1")),) if context.intent else ()
        try:
            reply = await self._upstream.request(b"POST", path, told, _encode(command.params), None)
        except HopError:
            admission.outcome = CallEnd.FAILED
            return None
        except BaseException:
            if _to_blame(context, time.monotonic() - asked):
                admission.outcome = CallEnd.FAILED
            raise
        admission.outcome = CallEnd.OK if reply.status < 500 else CallEnd.FAILED
        return reply


def _to_blame(context: CallContext, waited: float) -> bool:
    deadline = context.deadline
    expired = deadline is not None and deadline.expired and not deadline.callers
    return expired or waited >= context.settings.origin.breaker_slow


def _outcome(reply: Reply | None) -> str:
    if reply is None or reply.status >= 500:
        return "failed"
    return "ok" if reply.status < 400 else "tool_error"


def _result(reply: Reply | None) -> ToolResult:
    if reply is None:
        raise RefusedError("upstream_error", detail="the connection to the upstream broke")
    text = reply.body.decode("utf-8", "replace")
    if reply.status >= 500:
        raise RefusedError("upstream_error", detail=f"status {reply.status}: {text[:200]}")
    return ToolResult(text, reply.status >= 400, _upstream_ms(reply))


def _upstream_ms(reply: Reply) -> float | None:
    for name, value in reply.headers:
        if name == b"server-timing" and DUR in value:
            return float(value.partition(DUR)[2])
    return None


def failure(refused: RefusedError) -> dict[str, Any]:
    """A refusal as a line of a batch's result."""
    return {"ok": False, "reason": refused.reason, "detail": refused.detail}
