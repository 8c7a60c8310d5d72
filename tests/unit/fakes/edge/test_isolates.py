from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import pytest

from fakes.edge.isolates import Isolates, StackedIsolate
from fakes.edge_runtime.isolate import EdgeCall
from fakes.edge_runtime.kv import Kv, KvError
from fakes.http.asgi import ASGIApp, Receive, Scope, Send
from fakes.http.hop import Hop
from fakes.protections.burst_limit import BurstLimit
from fakes.settings import KvSettings
from tests.support.edge_rig import EdgeRig, drive

MEMORY = {"edge": {"burst_strategy": "memory-cache"}}


class Front(EdgeRig):
    """A rig whose isolates are those of the edge; `where` are the threads that the layers ran in."""

    def __init__(self, settings: dict[str, Any] | None = None) -> None:
        super().__init__(settings)
        self.where: list[str] = []
        self.spread: list[int] = []
        self.isolates = Isolates(self.make, self.inner, self.spread.append, seed=1)

    def make(self, place: int, inner: ASGIApp) -> StackedIsolate:
        isolate = self.isolate(place)
        limit = BurstLimit(inner, isolate)

        async def noted(scope: Scope, receive: Receive, send: Send) -> None:
            self.where.append(threading.current_thread().name)
            await limit(scope, receive, send)

        return isolate, noted, Hop("127.0.0.1", 1)

    async def statuses(self, calls: int) -> list[int]:
        return [(await self.ask(self.isolates.app)).status for _ in range(calls)]


@asynccontextmanager
async def front(isolates: int, settings: dict[str, Any] | None = None) -> AsyncIterator[Front]:
    made = Front(settings)
    made.isolates.resize(isolates)
    try:
        yield made
    finally:
        made.isolates.close()
    assert not [one for one in threading.enumerate() if one.name.startswith("isolate-")]


async def test_one_isolate_runs_in_front_without_a_thread_or_a_count() -> None:
    async with front(1, MEMORY) as rig:
        assert await rig.statuses(7) == [200] * 5 + [429] * 2
        assert set(rig.where) == {threading.main_thread().name}
        assert (len(rig.isolates), rig.spread) == (1, [])


@pytest.mark.parametrize("several", [2, 4])
async def test_each_of_several_counts_in_a_thread_and_a_memory_of_its_own(several: int) -> None:
    async with front(several, MEMORY) as rig:
        assert (await rig.statuses(60 * several)).count(200) == 5 * several
        assert set(rig.where) == {f"isolate-{place}" for place in range(several)}
        assert rig.where == [f"isolate-{place}" for place in rig.spread]


async def test_all_share_the_one_kv() -> None:
    async with front(4) as rig:
        assert (await rig.statuses(100)).count(200) == 5
        assert len(set(rig.where)) == 4


async def test_what_passed_is_forwarded_in_front_and_once() -> None:
    async with front(2) as rig:
        await rig.statuses(3)
        assert len(rig.reached) == 3


async def test_an_isolate_that_goes_takes_its_counts_along_and_the_others_keep_theirs() -> None:
    async with front(3, MEMORY) as rig:
        assert (await rig.statuses(90)).count(200) == 15
        rig.isolates.resize(2)
        assert (await rig.statuses(20)).count(200) == 0
        rig.isolates.resize(3)
        assert (await rig.statuses(60)).count(200) == 5


async def test_reset_is_before_every_request_that_comes_after_it() -> None:
    async with front(2, MEMORY) as rig:
        assert (await rig.statuses(60)).count(200) == 10
        rig.isolates.reset()
        assert (await rig.statuses(60)).count(200) == 10


async def test_the_cpu_budget_is_checked_where_it_was_measured() -> None:
    checked: list[str] = []
    async with front(2) as rig:
        call = EdgeCall(rig.snapshot, {}, "1.1.1.1", "u")
        call.checkpoint = lambda: checked.append(threading.current_thread().name)
        await drive(rig.isolates.app, {"type": "http", "headers": [], "state": {"call": call}})
        assert checked == rig.where
        assert call.checkpoint is None


class Waiting(Front):
    """Its layers wait for ever; `ended` tells how that went."""

    def __init__(self) -> None:
        super().__init__()
        self.began, self.ended = threading.Event(), threading.Event()

    def make(self, place: int, inner: ASGIApp) -> StackedIsolate:
        async def wait(scope: Scope, receive: Receive, send: Send) -> None:
            self.began.set()
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                self.ended.set()

        return self.isolate(place), wait, Hop("127.0.0.1", 1)


async def test_a_client_that_leaves_ends_its_call_in_the_isolate() -> None:
    rig = Waiting()
    rig.isolates.resize(2)
    asking = asyncio.create_task(rig.ask(rig.isolates.app))
    await asyncio.to_thread(rig.began.wait, 60)
    rig.isolates.resize(1)  # a call that is under way keeps its isolate alive
    assert not rig.ended.is_set()
    asking.cancel()
    assert await asyncio.to_thread(rig.ended.wait, 60)
    with pytest.raises(asyncio.CancelledError):
        await asking
    rig.isolates.close()
    for thread in threading.enumerate():
        if thread.name.startswith("isolate-"):
            await asyncio.to_thread(thread.join, 60)


class Broken(Front):
    def make(self, place: int, inner: ASGIApp) -> StackedIsolate:
        async def fail(scope: Scope, receive: Receive, send: Send) -> None:
            raise LookupError("a layer's own fault")

        return self.isolate(place), fail, Hop("127.0.0.1", 1)


async def test_an_error_of_a_layer_is_an_error_of_the_request() -> None:
    rig = Broken()
    rig.isolates.resize(2)
    with pytest.raises(LookupError):
        await rig.ask(rig.isolates.app)
    rig.isolates.close()


def test_no_write_is_lost_between_threads() -> None:
    seconds = count(50 * 86_400)
    kv, free = Kv(lambda: float(next(seconds))), KvSettings(plan="free", writes_per_day=700)
    refused: list[str] = []

    def write(place: int) -> None:
        for number in range(200):
            try:
                kv.put(free, f"k{number % 7}", number, place=place)
            except KvError as error:
                refused.append(error.cause)

    threads = [threading.Thread(target=write, args=(place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (kv.writes(), kv.used_today()["put"], refused) == (700, 700, ["quota"] * 100)
