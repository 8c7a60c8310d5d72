from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.edge.edge import client_address
from fakes.protections.burst_limit import BurstLimit
from fakes.protections.ip_limit import IpLimit
from tests.support.edge_rig import EdgeRig, reason

MEMORY = {"burst_strategy": "memory-cache"}


def free(**edge: Any) -> dict[str, Any]:
    return {"kv": {"plan": "free"}, "edge": edge}


async def statuses(rig: EdgeRig, app: Any, count: int, user: str = "u") -> list[int]:
    return [(await rig.ask(app, user)).status for _ in range(count)]


@pytest.mark.parametrize("strategy", ["kv-every-request", "memory-cache"])
async def test_five_a_second_pass_and_the_sixth_is_told_when_to_come_back(strategy: str) -> None:
    rig = EdgeRig({"edge": {"burst_strategy": strategy}})
    app = rig.layer(BurstLimit)
    assert await statuses(rig, app, 5) == [200] * 5
    refused = await rig.ask(app)
    assert (refused.status, reason(refused)) == (429, "burst_exceeded")
    assert (b"retry-after", b"1") in refused.headers
    assert rig.value("mcpist_rate_limit_hits_total", limit="burst-limit") == 1
    assert rig.value("mcpist_refused_total", reason="burst_exceeded") == 1


@pytest.mark.parametrize("strategy", ["kv-every-request", "memory-cache"])
async def test_windows_are_aligned_to_the_wall_clock_not_to_the_first_call(strategy: str) -> None:
    rig = EdgeRig({"edge": {"burst_strategy": strategy}})
    app = rig.layer(BurstLimit)
    rig.clock.now = 1000.9
    assert await statuses(rig, app, 6) == [200] * 5 + [429]
    rig.clock.now = 1001.0
    assert await statuses(rig, app, 6) == [200] * 5 + [429]


async def test_users_do_not_share_a_window() -> None:
    rig = EdgeRig()
    app = rig.layer(BurstLimit)
    await statuses(rig, app, 6, "a")
    assert await statuses(rig, app, 1, "b") == [200]


async def test_a_limit_that_is_off_counts_nothing() -> None:
    rig = EdgeRig(protections=())
    assert await statuses(rig, rig.layer(BurstLimit), 50) == [200] * 50
    assert rig.kv.used_today() == {"get": 0, "put": 0}


async def test_memory_cache_writes_once_a_window_and_never_reads() -> None:
    rig = EdgeRig({"edge": MEMORY})
    app = rig.layer(BurstLimit)
    for second in range(3):
        rig.clock.now = 2000.0 + second
        await statuses(rig, app, 5)
    assert rig.kv.used_today() == {"get": 0, "put": 3}


async def test_isolates_with_memory_caches_admit_five_each() -> None:
    rig = EdgeRig({"edge": MEMORY})
    apps = [rig.layer(BurstLimit, place) for place in range(3)]
    admitted = [await statuses(rig, app, 10) for app in apps]
    assert [row.count(200) for row in admitted] == [5, 5, 5]


async def test_isolates_that_count_in_kv_agree() -> None:
    rig = EdgeRig()
    apps = [rig.layer(BurstLimit, place) for place in range(3)]
    admitted = [await statuses(rig, app, 10) for app in apps]
    assert sum(row.count(200) for row in admitted) == 5


async def test_isolates_that_count_in_an_eventually_consistent_kv_do_not_agree() -> None:
    rig = EdgeRig({"kv": {"plan": "ideal", "consistency": 60.0}})
    apps = [rig.layer(BurstLimit, place) for place in range(3)]
    admitted = [await statuses(rig, app, 10) for app in apps]
    assert [row.count(200) for row in admitted] == [5, 5, 5]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("throw", [500, 200, 200, 200, 200, 429]),
        ("fail-open", [200, 200, 200, 200, 200, 429]),
        ("fail-closed", [503, 503, 503, 503, 503, 503]),
    ],
)
async def test_memory_cache_beyond_the_quota(mode: str, expected: list[int]) -> None:
    rig = EdgeRig({"kv": {"plan": "free", "writes_per_day": 1}, "edge": {**MEMORY, "burst_on_failure": mode}})
    app = rig.layer(BurstLimit)
    await rig.ask(app, "someone else")
    rig.clock.now += 10
    assert await statuses(rig, app, 6) == expected


@pytest.mark.parametrize(("mode", "status"), [("throw", 500), ("fail-open", 200), ("fail-closed", 503)])
async def test_kv_every_request_beyond_one_write_a_second_to_a_key(mode: str, status: int) -> None:
    rig = EdgeRig(free(burst_on_failure=mode))
    app = rig.layer(BurstLimit)
    assert await statuses(rig, app, 8) == [200] + [status] * 7
    assert rig.value("mcpist_kv_failures_total", op="put", cause="key-rate") == 7


async def test_a_kv_failure_says_so() -> None:
    rig = EdgeRig(free())
    app = rig.layer(BurstLimit)
    await rig.ask(app)
    failed = await rig.ask(app)
    assert reason(failed) == "kv_error"
    assert b"KV PUT failed" in failed.body


async def test_a_thousand_a_minute_an_address() -> None:
    rig = EdgeRig()
    app = rig.layer(IpLimit)
    rig.clock.now = 60_000.0
    assert Counter(await statuses(rig, app, 1100)) == {200: 1000, 429: 100}
    other = await rig.ask(app, ip="2.2.2.2")
    assert other.status == 200
    rig.clock.now = 60_059.5
    refused = await rig.ask(app)
    assert reason(refused) == "ip_limit_exceeded"
    assert (b"retry-after", b"1") in refused.headers
    rig.clock.now = 60_060.0
    assert (await rig.ask(app)).status == 200


@pytest.mark.parametrize(("mode", "status"), [("throw", 500), ("fail-open", 200), ("fail-closed", 503)])
async def test_address_limit_when_kv_refuses(mode: str, status: int) -> None:
    rig = EdgeRig(free(ip_on_failure=mode))
    assert await statuses(rig, rig.layer(IpLimit), 3) == [200, status, status]


@given(
    st.lists(st.floats(0, 10), max_size=80).map(sorted), st.sampled_from(["kv-every-request", "memory-cache"])
)
async def test_no_window_ever_admits_more_than_five(offsets: list[float], strategy: str) -> None:
    rig = EdgeRig({"edge": {"burst_strategy": strategy}})
    app = rig.layer(BurstLimit)
    admitted: Counter[int] = Counter()
    offered: Counter[int] = Counter()
    for offset in offsets:
        rig.clock.now = offset
        offered[int(offset)] += 1
        admitted[int(offset)] += (await rig.ask(app)).status == 200
    assert all(admitted[window] == min(5, offered[window]) for window in offered)


@pytest.mark.parametrize(
    ("taken", "shown", "peer", "address"),
    [
        ("header", b"203.0.113.7", ("127.1.0.1", 1), "203.0.113.7"),
        ("header", b"", ("127.1.0.1", 1), "127.1.0.1"),
        ("peer", b"203.0.113.7", ("127.1.0.1", 1), "127.1.0.1"),  # whatever it says
        ("peer", b"203.0.113.7", None, ""),
    ],
)
def test_whose_address_counts(taken: str, shown: bytes, peer: tuple[str, int] | None, address: str) -> None:
    headers = {b"cf-connecting-ip": shown} if shown else {}
    assert client_address(headers, peer, taken) == address
