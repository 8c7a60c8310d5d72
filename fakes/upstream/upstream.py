"""The upstreams, Notion, JIRA and a fast one, in one process: `python -m fakes.upstream …`.

    POST /<upstream>/<tool>     answers after the tool's latency, seeded by tool
Its own time is told in `Server-Timing: upstream;dur=<ms>`. A call whose body has a `"nonce"` finds it in its
answer. `error_share` of a tool's answers are 422,
its own refusal. Calls are answered from the connection and a timer, without a task or an ASGI scope:
this process must cost little beside those that are attacked.

    GET /done                   {"since", "in_flight", "done"}
`done` has the intent of each call that ended well (`X-Intent`), since this instant of the monotonic clock.

Faults: those of `fakes/faults/upstream_*.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from random import Random
from time import monotonic
from typing import Final

import msgspec

from fakes import faults
from fakes.control.process_config import StackConfig
from fakes.control.state import ActiveFault, Control, Snapshot
from fakes.http import serve
from fakes.http.asgi import JSON, Receive, Reply, Scope, Send, send_reply
from fakes.http.metrics import Metrics
from fakes.http.server import HttpConnection
from fakes.settings import Latency
from fakes.upstream.connection import UpstreamCall, connection_class

TOOL_ERROR: Final = 422
HUNG_UP: Final = 499
NONCE: Final = b'"nonce":"'  # of letters, digits and hyphens: there is nothing to unescape


class UpstreamTool:
    """One tool: its latency's random stream, and the body that it answers."""

    def __init__(self, upstream: str, name: str, latency: Latency, seed: int) -> None:
        self.upstream, self.name, self.latency = upstream, name, latency
        self._random = Random(f"{seed}/{upstream}/{name}")
        self._head = f'{{"tool":"{upstream}.{name}",'.encode()
        head, tail = self._head + b'"data":"', b'"}'
        self.body = head + b"x" * (latency.body_bytes - len(head) - len(tail)) + tail

    def answer(self, said: bytes) -> bytes:
        """The body that answers a call which said this."""
        _, found, rest = said.partition(NONCE)
        if not found:
            return self.body
        return b'%b%b%b",%b' % (self._head, NONCE, rest.partition(b'"')[0], self.body[len(self._head) :])

    def seconds(self) -> float:
        """The next call's latency."""
        drawn = (
            self._random.gauss(self.latency.mean, self.latency.sigma)
            if self.latency.sigma
            else self.latency.mean
        )
        return min(self.latency.high, max(self.latency.low, drawn))

    def lucky(self, share: float) -> bool:
        """True for that share of the calls."""
        return share > 0 and self._random.random() < share


class Upstream:
    """Knows the tools, times the calls, obeys the faults."""

    def __init__(self, control: Control, metrics: Metrics) -> None:
        self._control, self._metrics = control, metrics
        self._loop = asyncio.get_running_loop()
        self._stalled: dict[UpstreamCall[UpstreamTool], None] = {}
        self.in_flight: dict[str, int] = {}
        self.peak: dict[str, int] = {}
        self.done: list[str] = []
        self._since = monotonic()
        self._requests = metrics.counter(
            "mcpist_upstream_requests_total", "Calls that ended.", "upstream", "tool", "status"
        )
        self._gauge = metrics.gauge("mcpist_upstream_in_flight", "Calls now.", "upstream")
        self._peak = metrics.gauge("mcpist_upstream_in_flight_peak", "Most calls since reset.", "upstream")
        control.on_change.append(self._changed)
        control.on_reset.append(self._reset)
        self._tools: Mapping[bytes, UpstreamTool] = {}
        self._tree: object = None
        self._changed(control.snapshot)

    def find(self, path: bytes) -> UpstreamTool | None:
        """The tool at a path."""
        return self._tools.get(path)

    def begin(self, call: UpstreamCall[UpstreamTool]) -> None:
        """A call is whole: from now its time runs."""
        tool, snapshot = call.tool, self._control.snapshot
        call.began, call.counted = monotonic(), self._metrics.begin()  # the loop's time is whole milliseconds
        count = self.in_flight[tool.upstream] = self.in_flight[tool.upstream] + 1
        self.peak[tool.upstream] = max(self.peak[tool.upstream], count)
        reset = _fault(snapshot, "upstream-reset", tool)
        if reset is not None and tool.lucky(float(reset.options.get("share", 1.0))):
            self._control.saw(reset)
            call.abort()
            return
        slow = _fault(snapshot, "upstream-slow", tool)
        factor = float(self._control.saw(slow).options.get("factor", 10.0)) if slow is not None else 1.0
        call.timer = self._loop.call_later(tool.seconds() * factor, self._due, call)

    def lost(self, call: UpstreamCall[UpstreamTool]) -> None:
        """The caller went away, or was broken off."""
        if call.timer is not None:
            call.timer.cancel()
        self._stalled.pop(call, None)
        self._end(call, HUNG_UP)

    def _due(self, call: UpstreamCall[UpstreamTool]) -> None:
        stall = _fault(self._control.snapshot, "upstream-stall", call.tool)
        if stall is not None:
            self._control.saw(stall)
            self._stalled[call] = None
        else:
            self._answer(call)

    def _answer(self, call: UpstreamCall[UpstreamTool]) -> None:
        tool = call.tool
        status = self._status(tool)
        spent = (monotonic() - call.began) * 1000
        self._end(call, status)
        if call.intent and status == 200:
            self.done.append(call.intent.decode("latin-1"))
        call.answer(status, tool.answer(call.said), spent)

    def _status(self, tool: UpstreamTool) -> int:
        error = _fault(self._control.snapshot, "upstream-error", tool)
        if error is not None and tool.lucky(float(error.options.get("share", 1.0))):
            return int(self._control.saw(error).options.get("status", 500))
        return TOOL_ERROR if tool.lucky(tool.latency.error_share) else 200

    def _end(self, call: UpstreamCall[UpstreamTool], status: int) -> None:
        tool = call.tool
        self.in_flight[tool.upstream] -= 1
        self._requests(tool.upstream, tool.name, str(status)).inc()
        self._metrics.end(call.counted, "POST", "other", status)

    def _reset(self) -> None:
        self.peak.update(self.in_flight)
        self.done = []

    def told(self) -> Reply:
        """What was done, and for whom."""
        running = sum(self.in_flight.values())
        body = msgspec.json.encode({"since": self._since, "in_flight": running, "done": self.done})
        return Reply(200, [JSON], body)

    def _changed(self, snapshot: Snapshot) -> None:
        settings = snapshot.settings
        if settings.upstreams != self._tree:
            self._tree = settings.upstreams
            self._tools = {
                f"/{upstream}/{name}".encode(): UpstreamTool(upstream, name, latency, settings.seed)
                for upstream, tools in settings.upstreams.items()
                for name, latency in tools.items()
            }
            for upstream in settings.upstreams:
                self._watch(upstream)
        waiting, self._stalled = self._stalled, {}
        for call in waiting:
            self._due(call)

    def _watch(self, upstream: str) -> None:
        if upstream not in self.in_flight:
            self.in_flight[upstream] = self.peak[upstream] = 0
            self._gauge(upstream).set_function(partial(self.in_flight.__getitem__, upstream))
            self._peak(upstream).set_function(partial(self.peak.__getitem__, upstream))


def _fault(snapshot: Snapshot, name: str, tool: UpstreamTool) -> ActiveFault | None:
    return snapshot.fault(name, tool.upstream) if snapshot.faults else None


class Pages:
    """What is no call of a tool, as an ASGI app."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: D102
        match scope["path"]:
            case "/health":
                reply = Reply(200, [JSON], b'{"status":"ok"}')
            case "/done":
                reply = self._upstream.told()
            case _:
                reply = Reply(404, [JSON], b"{}")
        await send_reply(send, reply)


async def make_app(config: StackConfig) -> serve.App:
    """The upstreams on the running loop."""
    control, metrics = Control(config, faults.of("upstream")), Metrics()
    upstream = Upstream(control, metrics)
    kind: type[HttpConnection] = connection_class(upstream)
    return serve.App(Pages(upstream), control, metrics, protocol=kind)
