from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fakes.http.asgi import Scope
from fakes.protections.worker_cpu import CpuExceeded, Meter, WorkerCpu
from tests.support.edge_rig import EdgeRig, reason
from tests.support.manual_clock import ManualClock


class Work:
    """A coroutine that burns a manual CPU clock between suspensions."""

    def __init__(self, *burns: float) -> None:
        self.clock = ManualClock(0.0)
        self.burns = burns
        self.done: list[float] = []

    async def run(self) -> None:
        for burn in self.burns:
            self.clock.now += burn
            self.done.append(burn)
            await asyncio.sleep(0)


async def test_cpu_time_of_all_steps_is_summed() -> None:
    work = Work(1, 2, 3)
    meter = Meter(work.run(), 10, work.clock)
    await meter
    assert meter.used == 6


async def test_other_tasks_are_not_charged() -> None:
    work = Work(1, 1)
    meter = Meter(work.run(), 10, work.clock)

    async def other() -> None:
        work.clock.now += 100
        await asyncio.sleep(0)

    await asyncio.gather(meter_task(meter), other())
    assert meter.used == 2


async def meter_task(meter: Meter) -> None:
    await meter


async def test_beyond_the_budget_the_call_is_cut_off_where_it_waits() -> None:
    work = Work(1, 1, 1, 1)
    with pytest.raises(CpuExceeded):
        await Meter(work.run(), 2.5, work.clock)
    assert work.done == [1, 1, 1]


async def test_a_cancel_and_an_error_pass_through() -> None:
    async def waits() -> None:
        await asyncio.Event().wait()

    async def breaks() -> None:
        await asyncio.sleep(0)
        raise LookupError

    task = asyncio.create_task(meter_task(Meter(waits(), 1)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(LookupError):
        await Meter(breaks(), 1)


async def test_a_caught_cancel_lets_the_call_go_on() -> None:
    ended = []

    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append("caught")
        await asyncio.sleep(0)
        ended.append("done")

    task = asyncio.create_task(meter_task(Meter(stubborn(), 1)))
    await asyncio.sleep(0)
    task.cancel()
    await task
    assert ended == ["caught", "done"]


def overspent(rig: EdgeRig) -> Any:
    async def inner(scope: Scope, receive: Any, send: Any) -> None:
        call = scope["state"]["call"]
        if call.checkpoint is not None:
            call.checkpoint()
        await rig.inner(scope, receive, send)

    return WorkerCpu(inner, rig.isolate())


async def test_a_call_over_budget_is_answered_and_not_passed_on() -> None:
    rig = EdgeRig({"edge": {"cpu_budget": 1e-12}})
    reply = await rig.ask(overspent(rig))
    assert (reply.status, reason(reply), rig.reached) == (503, "worker_cpu_exceeded", [])
    assert rig.value("mcpist_worker_cpu_seconds_count") == 1


@pytest.mark.parametrize(("protections", "budget"), [((), 1e-12), (("worker-cpu",), 3600.0)])
async def test_within_budget_or_off_it_passes(protections: tuple[str, ...], budget: float) -> None:
    rig = EdgeRig({"edge": {"cpu_budget": budget}}, protections)
    assert (await rig.ask(overspent(rig))).status == 200
