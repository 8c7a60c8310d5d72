"""One tool call against a scripted upstream and database: what is charged, told and given back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar
from unittest.mock import AsyncMock

import pytest
from hypothesis import given
from hypothesis import settings as tuned
from hypothesis import strategies as st

from fakes.bugs.bug import Surroundings
from fakes.bugs.bugs import Bugs
from fakes.http.asgi import Reply
from fakes.http.hop import HopConnectError, HopReset
from fakes.http.metrics import Metrics
from fakes.http.reasons import RefusedError
from fakes.origin.memory import OriginMemory
from fakes.origin.stored.credits import UsageRow
from fakes.origin.tool_call import CallContext, ToolCaller
from fakes.origin.tools import Command
from fakes.protections.adaptive_concurrency import AdaptiveConcurrency
from fakes.protections.breaker import Breakers
from fakes.protections.gate import Gate
from fakes.protections.global_concurrency import GlobalConcurrency
from fakes.protections.timeout import Deadline
from fakes.protections.user_concurrency import UserConcurrency
from fakes.settings import DatabaseSettings, StackSettings

G = TypeVar("G", bound=Gate)
NAMES = ("user-concurrency", "global-concurrency", "adaptive-concurrency", "breaker")
NO_BUGS = Bugs(Metrics(), "", Surroundings(AsyncMock(), ("", 0)))
OK = Reply(200, [(b"server-timing", b"upstream;dur=12.5")], b"{}")


class Scripted:
    """The upstream, the credits and the usage of a call; an answer may be a value, an error or `wait`."""

    def __init__(self) -> None:
        self.upstream: Any = OK
        self.credit: Exception | None = None
        self.waiting = asyncio.Event()
        self.never = asyncio.Event()
        self.hold_credit = False
        self.charged: list[str] = []
        self.rows: list[UsageRow] = []

    async def charge(
        self, user: str, request_id: str, settings: DatabaseSettings, intent: str | None
    ) -> None:
        if self.hold_credit:
            await self._wait()
        if self.credit is not None:
            raise self.credit
        self.charged.append(request_id)

    async def request(self, *args: object) -> Reply:
        if self.upstream == "wait":
            await self._wait()
        if isinstance(self.upstream, Exception):
            raise self.upstream
        assert isinstance(self.upstream, Reply)
        return self.upstream

    async def _wait(self) -> None:
        self.waiting.set()
        await self.never.wait()

    def add(self, row: UsageRow) -> None:
        self.rows.append(row)


def caller(script: Any) -> ToolCaller:
    return ToolCaller(script, script, script, script, Metrics(), NO_BUGS)


class Bench:
    def __init__(self, clock: Callable[[], float] = lambda: 0.0) -> None:
        self.script = Scripted()
        self.settings = StackSettings()
        self.memory = OriginMemory(self.settings, NAMES, clock, clock)
        self.caller = caller(self.script)

    async def call(self, deadline: Deadline | None = None, request_id: str = "r") -> Any:
        context = CallContext("u", request_id, self.settings, self.memory.in_force, deadline, "i")
        return await self.caller.call(context, Command("notion", "search"), request_id)

    def gate(self, kind: type[G]) -> G:
        return next(gate for gate in self.memory.gates.values() if isinstance(gate, kind))

    def permits(self) -> tuple[dict[str, int], int]:
        return self.gate(UserConcurrency).running, self.gate(GlobalConcurrency).running

    def limit(self) -> float:
        return self.gate(AdaptiveConcurrency).by_upstream["notion"].limit

    def failures(self) -> int:
        return len(self.gate(Breakers).by_upstream["notion"]._failures)


async def test_a_call_is_charged_recorded_and_timed() -> None:
    bench = Bench()
    result = await bench.call()
    assert (result.text, result.is_error, result.upstream_ms) == ("{}", False, 12.5)
    assert bench.script.charged == ["r"]
    assert [(row.request_id, row.outcome, row.instance) for row in bench.script.rows] == [("r", "ok", "i")]
    assert bench.permits() == ({}, 0)


async def test_a_tool_error_is_a_result_and_no_failure() -> None:
    bench = Bench()
    bench.script.upstream = Reply(422, [], b"no such page")
    assert (await bench.call())[:2] == ("no such page", True)
    assert (bench.script.rows[0].outcome, bench.failures()) == ("tool_error", 0)


@pytest.mark.parametrize(
    "answer", [Reply(500, [], b"boom"), Reply(503, [], b""), HopReset("gone"), HopConnectError("no")]
)
async def test_an_upstream_that_is_down(answer: object) -> None:
    bench = Bench()
    bench.script.upstream = answer
    with pytest.raises(RefusedError) as refused:
        await bench.call()
    assert refused.value.reason == "upstream_error"
    assert (bench.script.charged, bench.script.rows[0].outcome) == (["r"], "failed")
    assert (bench.failures(), bench.permits()) == (1, ({}, 0))


async def test_a_refused_call_costs_nothing() -> None:
    bench = Bench()
    bench.script.upstream = HopReset("gone")
    for _ in range(bench.settings.origin.breaker_failures):
        with pytest.raises(RefusedError):
            await bench.call()
    charged = len(bench.script.charged)
    with pytest.raises(RefusedError) as refused:
        await bench.call()
    assert (refused.value.reason, len(bench.script.charged)) == ("breaker_open", charged)
    limit = bench.limit()
    for _ in range(20):
        with pytest.raises(RefusedError, match="keeps failing"):
            await bench.call()
    assert bench.limit() == limit


async def test_what_the_database_refuses_is_not_the_upstreams_failure() -> None:
    bench = Bench()
    bench.script.credit = RefusedError("insufficient_credits")
    for _ in range(20):
        with pytest.raises(RefusedError, match="insufficient_credits"):
            await bench.call()
    assert (bench.script.rows, bench.failures(), bench.permits()) == ([], 0, ({}, 0))
    assert bench.limit() == bench.settings.protections["adaptive-concurrency"]["begin"]


async def test_our_deadline_is_the_upstreams_failure() -> None:
    bench = Bench()
    bench.script.upstream = "wait"
    with pytest.raises(RefusedError) as refused:
        async with Deadline(0.0) as deadline:
            await bench.call(deadline)
    assert refused.value.reason == "gateway_timeout"
    assert (bench.failures(), bench.permits(), bench.script.rows) == (1, ({}, 0), [])


@pytest.mark.parametrize(("slow", "failures"), [(1e-9, 1), (1000.0, 0)])
async def test_a_callers_own_deadline_tells_only_after_a_long_wait(slow: float, failures: int) -> None:
    bench = Bench()
    origin = bench.settings.origin.model_copy(update={"breaker_slow": slow})
    bench.settings = bench.settings.model_copy(update={"origin": origin})
    bench.script.upstream = "wait"
    with pytest.raises(RefusedError, match="no answer within 0 s"):
        async with Deadline(0.0, callers=True) as deadline:
            await bench.call(deadline)
    assert (bench.failures(), bench.permits()) == (failures, ({}, 0))


async def test_our_deadline_in_the_database_is_not() -> None:
    bench = Bench()
    bench.script.hold_credit = True
    with pytest.raises(RefusedError, match="no answer within 0 s"):
        async with Deadline(0.0) as deadline:
            await bench.call(deadline)
    assert (bench.failures(), bench.permits()) == (0, ({}, 0))


@pytest.mark.parametrize(("slow", "failures"), [(1e-9, 1), (1000.0, 0)])
async def test_a_client_that_hangs_up_tells_only_after_a_long_wait(slow: float, failures: int) -> None:
    bench = Bench()
    origin = bench.settings.origin.model_copy(update={"breaker_slow": slow})
    bench.settings = bench.settings.model_copy(update={"origin": origin})
    bench.script.upstream = "wait"
    task = asyncio.create_task(bench.call())
    await bench.script.waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (bench.failures(), bench.permits()) == (failures, ({}, 0))
    assert bench.limit() < bench.settings.protections["adaptive-concurrency"]["begin"]


fates = st.sampled_from(["ok", "500", "reset", "credits", "cancel", "cancel in db", "deadline"])


@given(st.lists(fates, max_size=40))
@tuned(deadline=None, max_examples=60)
def test_no_permit_is_lost_whatever_becomes_of_the_calls(script: list[str]) -> None:
    asyncio.run(_play(script))


async def _play(script: list[str]) -> None:
    now = 0.0
    bench = Bench(lambda: now)
    for fate in script:
        await _meet(bench, fate)
        assert bench.permits() == ({}, 0)
        assert all(breaker._probing == 0 for breaker in bench.gate(Breakers).by_upstream.values())
        now += 1.0
    done = [row for row in bench.script.rows if row.outcome == "ok"]
    assert len(done) <= len(bench.script.charged) <= len(script)


async def _meet(bench: Bench, fate: str) -> None:
    bench.script = script = Scripted()
    bench.caller = caller(script)
    script.upstream = {"500": Reply(500, [], b""), "reset": HopReset()}.get(fate, OK)
    if fate in ("cancel", "deadline"):
        script.upstream = "wait"
    script.hold_credit = fate == "cancel in db"
    script.credit = RefusedError("insufficient_credits") if fate == "credits" else None
    task = asyncio.create_task(_in_time(bench) if fate == "deadline" else bench.call())
    if fate.startswith("cancel"):
        waiting = asyncio.create_task(script.waiting.wait())
        await asyncio.wait((task, waiting), return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _in_time(bench: Bench) -> None:
    async with Deadline(0.0) as deadline:
        await bench.call(deadline)
