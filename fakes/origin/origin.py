"""The origin: the gateway's Go server on a nano instance. `python -m fakes.origin …`, see `fakes.http.serve`.

In this order:
    deadline-propagation     what could not be answered before its caller leaves, else 504 deadline_exceeded
    load-shedding     where requests wait too long for CPU, else 503 load_shed
    nano              the modelled instance takes the request up, queues it for CPU, or is dead
    gateway secret    X-Gateway-Secret, else 403 bad_gateway_secret
    rate-limit        by X-User-ID and X-User-Tier, else 429 rate_limit_exceeded
    timeout           wraps all that follows, else 504 gateway_timeout
    idempotency       of each tool call: a repeat gets what the first got
    user-concurrency, global-concurrency, fair-queue, adaptive-concurrency, breaker
                      of each tool call: a refused one costs nothing
    quota, credits    one SQL function, one round trip, once a request id (X-Request-ID)
    upstream          through a Hop; its time is passed on as `Server-Timing: upstream;dur=<ms>`
    usage row         in batches after the call
`/health` is not limited: 200, or 503 when a DB ping fails within health_db_timeout.
A client that disconnects cancels its call, and every permit is given back (see `fakes.origin.gateway` for
what goes on in a session). A stream occupies the instance as long as it is open.

Faults: those of `fakes/faults/` that an origin owns; `target` is this origin's name, or absent for both.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Final, NoReturn

from fakes import faults
from fakes.bugs.bug import Surroundings
from fakes.bugs.bugs import Bugs
from fakes.control.intervals import Intervals
from fakes.control.process_config import StackConfig
from fakes.control.state import ActiveFault, Control, Snapshot
from fakes.database.pool import Database
from fakes.http import rpc, serve
from fakes.http.answer_drop import AnswerDrop
from fakes.http.asgi import (
    JSON,
    Answer,
    Receive,
    Reply,
    Scope,
    Send,
    StreamReply,
    send_reply,
    send_stream,
    whole_body,
)
from fakes.http.hop import Hop
from fakes.http.metrics import Metrics, known_path
from fakes.http.reasons import RefusedError
from fakes.origin.answers import Answers
from fakes.origin.gateway import Gateway
from fakes.origin.mcp import Mcp
from fakes.origin.memory import OriginMemory
from fakes.origin.metrics import OriginMetrics
from fakes.origin.nano import Nano
from fakes.origin.sessions import Sessions
from fakes.origin.stored.credits import Credits, UsageWriter
from fakes.origin.stored.rate_sync import RateSync
from fakes.origin.streams import StandingStreams
from fakes.origin.tool_call import ToolCaller
from fakes.protections import deadline_propagation, load_shedding

CLIENT_LEFT: Final = 499  # as nginx counts a call whose client hung up, or was hung up on
MAX_EVENTS: Final = 1000
AT_THE_DOOR: Final = (deadline_propagation.NAME, load_shedding.NAME)
LAST_WORDS: Final = 0.05  # seconds between the order to exit and the exit


class Origin:
    """The ASGI app of one origin; belongs to the running loop."""

    def __init__(self, config: StackConfig, control: Control, metrics: Metrics) -> None:
        settings, loop = control.snapshot.settings, asyncio.get_running_loop()
        self.name = config.name
        self.control, self.metrics = control, metrics
        self.database = Database(
            config.db_dsn.reveal() if config.db_dsn else "", settings.database, metrics, self._database_down
        )
        self.credits = Credits(self.database, self.name, metrics, self._hold)
        self.usage = UsageWriter(self.database, metrics)
        self.sync = RateSync(self.database, self.name, metrics)
        self.memory = OriginMemory(settings, control.snapshot.protections, time.monotonic, time.time)
        self.nano = Nano(settings.nano, time.monotonic, loop.call_later, self._killed, self._begin)
        self.counted = OriginMetrics(metrics, self.nano, self.memory, settings.upstreams)
        self.sessions = Sessions(self.database, metrics)
        surroundings = Surroundings(partial(self.sessions.open, shared=False), config.addresses["upstream"])
        self.caller = caller = ToolCaller(
            Hop(*config.addresses["upstream"]),
            self.credits,
            self.usage,
            Answers(self.database),
            metrics,
            Bugs(metrics, f"{settings.seed}/{self.name}", surroundings),
        )
        self.gateway = Gateway(
            config.gateway_secret.reveal(), self.memory, Mcp(caller, self.sessions), self.counted,
            self.sessions, StandingStreams(metrics), self._went_on,
        )  # fmt: skip
        self.events: list[dict[str, Any]] = []  # the instance's ends and starts, as the balancer's are
        self._answer_drop = AnswerDrop(control, self.name)
        self._aborts: set[Callable[[], None]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        metrics.track("mcpist_tasks", "Tasks of this process's loop.", lambda: len(asyncio.all_tasks(loop)))
        self._going = asyncio.Event()
        control.on_change.append(self._changed)
        control.on_reset.append(self._reset)
        self._changed(control.snapshot)
        self._begin()

    async def start(self) -> None:
        """Connect to the database, and begin the work beside the requests."""
        await self.database.open()
        intervals = Intervals(self.control)
        self._spawn(self.usage.run(partial(intervals.over, lambda: self._settings.usage_flush)))
        rate_sync = partial(intervals.over, lambda: self._settings.rate_sync)
        self._spawn(self.sync.run(lambda: self.memory.limiter, rate_sync))

    @property
    def _settings(self) -> Any:
        return self.control.snapshot.settings.origin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        began = self.metrics.begin()
        status = CLIENT_LEFT
        try:
            reply = await self._on_nano(scope, receive)
            if self._answer_drop.takes(reply):
                await _vanish(scope)
            reply.headers.append(self._instance)
            status = reply.status
            if isinstance(reply, Reply):
                await send_reply(send, reply)
            else:
                await self._stream(scope, send, reply)
        finally:
            self.metrics.end(began, scope["method"], known_path(scope["path"]), status)

    async def _on_nano(self, scope: Scope, receive: Receive) -> Answer:
        abort, reply, came = scope["state"]["abort"], None, time.monotonic()
        if (refused := self._turned_away(scope)) is not None:
            return self.gateway.refuse(refused, rpc.id_of(await whole_body(scope, receive)))
        delay = self.nano.enter()
        if delay is None:
            await _vanish(scope)
        self._aborts.add(abort)
        try:
            if delay:
                await asyncio.sleep(delay)
            if not self._going.is_set():
                self._suffers("origin-stall")
                await self._going.wait()
            reply = await self._route(scope, receive, came)
            return reply
        finally:
            if not isinstance(reply, StreamReply):
                self._leave(abort)

    def _turned_away(self, scope: Scope) -> RefusedError | None:
        """Why a request is refused before it has cost more than a look at it; None: it comes in."""
        on, settings = self.control.snapshot.protections, self.control.snapshot.settings.protections
        if on.isdisjoint(AT_THE_DOOR) or self.nano.state != "running" or scope["path"] == "/health":
            return None
        delay = self.nano.cpu.queue_now()
        own = settings[deadline_propagation.NAME]
        if deadline_propagation.NAME in on and deadline_propagation.passes(
            scope["headers"], delay, own["margin"]
        ):
            self.nano.cpu.spend(own["cost"])
            return RefusedError(
                "deadline_exceeded", detail=f"{delay:.1f} s of requests stand before this one"
            )
        if load_shedding.NAME in on and not self.memory.shedding.admits(delay):
            self.nano.cpu.spend(settings[load_shedding.NAME]["cost"])
            return RefusedError("load_shed", retry_after=1)
        return None

    async def _stream(self, scope: Scope, send: Send, reply: StreamReply) -> None:
        try:
            await send_stream(send, reply)
        finally:
            self._leave(scope["state"]["abort"])

    def _leave(self, abort: Callable[[], None]) -> None:
        self._aborts.discard(abort)
        self.nano.leave()

    def _went_on(self, call: asyncio.Task[Reply]) -> None:
        self.nano.stay()
        call.add_done_callback(lambda _: self.nano.leave())

    async def _route(self, scope: Scope, receive: Receive, came: float) -> Answer:
        path = scope["path"]
        if path == "/health":
            return await self._health()
        if path != "/v1/mcp":
            return Reply(404, [JSON], b'{"error":"not found"}')
        if scope["method"] != "POST":
            return await self.gateway.beside(self.control.snapshot, scope["method"], scope["headers"])
        body = await whole_body(scope, receive)
        return await self.gateway.answer(self.control.snapshot, scope["headers"], body, came)

    async def _health(self) -> Reply:
        try:
            if self._suffers("health-fail"):
                raise RefusedError("internal_error", detail="told to fail")
            async with asyncio.timeout(self._settings.health_db_timeout):
                await self.database.value("SELECT 1")
        except (RefusedError, TimeoutError):
            return Reply(503, [JSON], b'{"status":"unhealthy"}')
        return Reply(200, [JSON], b'{"status":"ok"}')

    def _killed(self, limit: str) -> None:
        self.counted.kills(limit).inc()
        self._note("killed", limit=limit)
        for abort in tuple(self._aborts):
            abort()
        self.memory.clear()
        self.sessions.clear()

    def _begin(self) -> None:
        """A start of the instance gives it a new name."""
        if self.gateway.instance:
            self._note("running")
        self.gateway.instance = f"{self.name}-{secrets.token_hex(2)}"
        self._instance = (b"x-instance-id", self.gateway.instance.encode())

    def _note(self, to: str, **detail: str) -> None:
        about = {"origin": self.name, "to": to, **detail}
        self.events.append({"t": time.monotonic(), "kind": "state", "name": "nano", "detail": about})
        del self.events[:-MAX_EVENTS]

    def _changed(self, snapshot: Snapshot) -> None:
        self.memory.configure(snapshot.settings, snapshot.protections)
        self.nano.configure(snapshot.settings.nano)
        if self._tasks:
            self._spawn(self.database.configure(snapshot.settings.database))
        if snapshot.fault("origin-stall", self.name):
            self._going.clear()
        else:
            self._going.set()
        if snapshot.fault("origin-exit", self.name):
            asyncio.get_running_loop().call_later(LAST_WORDS, os._exit, 1)

    def _suffers(self, name: str) -> ActiveFault | None:
        """The fault of that name in force here, which has its effect just now."""
        fault = self.control.snapshot.fault(name, self.name)
        return None if fault is None else self.control.saw(fault)

    def _hold(self) -> float:
        """Seconds that a credit transaction which begins now must hold."""
        hold = self._suffers("db-hold")
        return 0.0 if hold is None else float(hold.options.get("seconds", 30.0))

    def _database_down(self) -> bool:
        return self._suffers("db-down") is not None

    def _reset(self) -> None:
        self.memory.forget()
        self.usage.forget()
        self.caller.forget()
        self.sessions.clear()
        self.nano.cpu.spent = 0.0

    def state(self) -> dict[str, Any]:
        """What the process says of itself."""
        queue = round(self.nano.cpu.queue_now(), 1)
        return {"instance": self.gateway.instance, "events": self.events, "cpu_queue_s": queue}

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _vanish(scope: Scope) -> NoReturn:
    """Break the connection off; its loss cancels this call."""
    scope["state"]["abort"]()
    await asyncio.Event().wait()
    raise AssertionError("nobody sets it")


async def make_app(config: StackConfig) -> serve.App:
    """The origin `config.name`; raises when the database is out of reach."""
    control, metrics = Control(config, faults.of("origin")), Metrics()
    origin = Origin(config, control, metrics)
    await origin.start()
    return serve.App(origin, control, metrics, origin.state)
