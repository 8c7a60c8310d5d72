"""`checkBurst` as the plan has it, and mended: each flaw once."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.protections.burst_limit import BurstLimit
from tests.support.edge_rig import EdgeRig, reason


def rig(strategy: str, **changed: Any) -> EdgeRig:
    kv = {"plan": changed.pop("plan", "ideal")}
    return EdgeRig({"kv": kv, "edge": {"burst_strategy": strategy, **changed}})


async def asked(one: EdgeRig, app: Any, at: float, count: int, user: str = "u") -> list[int]:
    one.clock.now = at
    return [(await one.ask(app, user)).status for _ in range(count)]


@pytest.mark.parametrize(("strategy", "first"), [("check-burst", 500), ("sliding", 200)])
async def test_a_ttl_below_a_minute_fails_the_first_call_of_every_second(strategy: str, first: int) -> None:
    one = rig(strategy, burst_ttl=1)
    app = one.layer(BurstLimit)
    assert await asked(one, app, 1000.1, 6) == [first, 200, 200, 200, 200, 429]
    assert await asked(one, app, 1001.2, 1) == [first]  # one call a second: never served
    assert one.value("mcpist_kv_failures_total", op="put", cause="ttl") == (2 if first == 500 else 0)


async def test_what_kv_throws_the_call_throws_with_the_count_already_set() -> None:
    one = rig("check-burst", plan="free")
    app = one.layer(BurstLimit)
    assert await asked(one, app, 1000.9, 1) == [200]
    one.clock.now = 1001.0
    failed = await one.ask(app)
    assert (failed.status, reason(failed)) == (500, "kv_error")
    assert await asked(one, app, 1001.0, 5) == [200] * 4 + [429]


@pytest.mark.parametrize(("strategy", "most"), [("check-burst", 10), ("sliding", 5)])
async def test_a_seconds_edge_doubles_the_limit_as_written(strategy: str, most: int) -> None:
    one = rig(strategy)
    app = one.layer(BurstLimit)
    through = [*await asked(one, app, 1000.9, 6), *await asked(one, app, 1001.1, 6)]
    assert through.count(200) == most


async def test_sliding_says_when_the_oldest_call_leaves_the_window() -> None:
    one = rig("sliding")
    app = one.layer(BurstLimit)
    assert await asked(one, app, 1000.5, 5) == [200] * 5
    one.clock.now = 1000.6
    refused = await one.ask(app)
    assert (refused.status, reason(refused)) == (429, "burst_exceeded")
    assert (b"retry-after", b"1") in refused.headers
    assert await asked(one, app, 1001.5, 1) == [200]


async def test_after_a_reset_nothing_is_kept_of_another_strategy_either() -> None:
    one = rig("memory-cache")
    isolate = one.isolate()
    await asked(one, BurstLimit(one.inner, isolate), 1000.0, 3)
    assert isolate.burst_entries() == 1
    isolate.reset()
    assert isolate.burst_entries() == 0


@pytest.mark.parametrize(("strategy", "kept"), [("check-burst", 100), ("sliding", 1)])
async def test_counts_pile_up_as_written(strategy: str, kept: int) -> None:
    one = rig(strategy)
    isolate = one.isolate()
    app = BurstLimit(one.inner, isolate)
    for second in range(10):
        for user in range(10):
            await asked(one, app, 1000.0 + second * 2, 1, f"u{user}")
    await asked(one, app, 1018.0, 1, "u9")
    if strategy == "sliding":
        await asked(one, app, 1030.0, 1, "late")
    assert isolate.burst_entries() == kept
    isolate.reset()
    assert isolate.burst_entries() == 0


async def test_nobody_reads_what_is_written() -> None:
    one = rig("check-burst")
    app = one.layer(BurstLimit)
    for second in range(3):
        await asked(one, app, 1000.0 + second, 5)
    assert one.kv.used_today() == {"get": 0, "put": 3}
    sliding = rig("sliding")
    await asked(sliding, sliding.layer(BurstLimit), 1000.0, 5)
    assert sliding.kv.used_today() == {"get": 0, "put": 0}
