"""The edge as a Worker, in workerd, held to what the Python edge promises."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest
import pytest_asyncio

from fakes.edge_worker.companion import LOOK
from fakes.http.asgi import Reply, StreamReply
from fakes.http.hop import Hop, HopReset
from tests.support import processes
from tests.support.streaming_origin import Streaming
from tests.support.worker_rig import (
    CALL,
    NO_WORKERD,
    PROTECTIONS,
    SETTINGS,
    SIGNERS,
    WORKERD,
    EdgeProcess,
    EdgeRig,
    forged,
    message,
    reason,
    token,
)
from users.accounts.forge import KINDS

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(WORKERD is None, reason=NO_WORKERD),
]
Start = Callable[..., Awaitable[EdgeRig]]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EdgeProcess]:
    edge = EdgeProcess(tmp_path_factory.mktemp("worker"))
    yield edge
    edge.end()


@pytest_asyncio.fixture
async def started(shared: EdgeProcess) -> AsyncIterator[Start]:
    made = EdgeRig(shared)
    yield made.start
    await made.stop()


@pytest_asyncio.fixture
async def rig(started: Start) -> EdgeRig:
    return await started()


@pytest_asyncio.fixture
async def own(tmp_path: Path) -> AsyncIterator[EdgeRig]:
    """A process for this test alone, as it will end it."""
    process = EdgeProcess(tmp_path)
    rig = EdgeRig(process)
    yield await rig.start()
    await rig.stop()
    process.end()


def edge(**settings: Any) -> dict[str, Any]:
    return {**SETTINGS, "edge": {**SETTINGS["edge"], **settings}}


# The way of a call


async def test_a_call_reaches_the_origin_with_what_the_edge_knows_and_nothing_forged(rig: EdgeRig) -> None:
    forged = [(b"x-user-id", b"root"), (b"x-user-tier", b"unlimited"), (b"x-gateway-secret", b"guess")]
    kept = [
        (b"mcp-session-id", b"s"),
        (b"content-type", b"application/json"),
        (b"accept", b"text/event-stream"),
    ]
    reply = await rig.call(*forged, *kept, (b"cf-connecting-ip", b"9.9.9.9"), path=b"/v1/mcp?a=1")
    assert (reply.status, reply.body) == (200, b"got " + CALL)
    headers = dict(reply.headers)
    assert (headers[b"x-backend"], headers[b"x-lb-state"], headers[b"x-instance-id"]) == (
        b"origin-a", b"primary", b"one",
    )  # fmt: skip
    seen = rig.a.seen[0]
    assert (seen[b"x-user-id"], seen[b"x-gateway-secret"], seen[b":path"]) == (
        b"ann",
        b"between us",
        b"/v1/mcp",
    )
    assert {key: seen[key] for key, _ in kept} == dict(kept)
    assert seen[b"x-request-id"]
    assert not {b"authorization", b"x-user-tier", b"cf-connecting-ip"} & set(seen)


async def test_a_tier_in_the_token_and_a_clients_request_id_go_on(rig: EdgeRig) -> None:
    await rig.call((b"x-request-id", b"mine"), bearer=token(tier="pro"))
    assert (rig.a.seen[0][b"x-request-id"], rig.a.seen[0][b"x-user-tier"]) == (b"mine", b"pro")


async def test_health_passes_through_without_a_token(rig: EdgeRig) -> None:
    assert await rig.health() == 200
    rig.a.healthy = False
    assert await rig.health() == 503


async def test_refusals_never_reach_an_origin_and_name_the_calls_id(rig: EdgeRig) -> None:
    reply = await rig.post()
    assert (reply.status, reason(reply), msgspec.json.decode(reply.body)["id"]) == (
        401,
        "missing_token",
        "seven",
    )
    replies = [await rig.call() for _ in range(6)]
    assert ([one.status for one in replies], len(rig.a.seen)) == ([200] * 5 + [429], 5)
    assert reason(replies[-1]) == "burst_exceeded"
    assert int(dict(replies[-1].headers)[b"retry-after"]) >= 1


async def test_the_ip_limit_comes_before_the_token(started: Start) -> None:
    rig = await started(settings=edge(ip_per_min=2))
    ip = (b"cf-connecting-ip", b"1.1.1.1")
    replies = [await rig.post(ip) for _ in range(3)]
    assert [reason(reply) for reply in replies] == ["missing_token", "missing_token", "ip_limit_exceeded"]
    other = await rig.post((b"cf-connecting-ip", b"2.2.2.2"))
    assert reason(other) == "missing_token"


async def test_names_are_counted_by_the_header_or_the_body(started: Start) -> None:
    none_at_all = {"per_s": 0, "compare": 0}
    rig = await started(["name-limit"], {**SETTINGS, "protections": {"name-limit": none_at_all}})
    named = (b"mcp-name", b"search")
    refused = await rig.call(named)
    assert (refused.status, reason(refused)) == (429, "name_limit_exceeded")
    assert dict(refused.headers)[b"retry-after"] == b"1"
    assert (await rig.call()).status == 200
    await rig.control(b"settings", {"protections": {"name-limit": {"per_s": 5, "compare": 1}}})
    lie = await rig.call(named)  # the body asks for tools/list
    error = msgspec.json.decode(lie.body)
    assert (lie.status, error["id"], error["error"]["code"]) == (400, "seven", -32020)
    reply = await rig.call()
    assert (reply.status, reply.body) == (200, b"got " + CALL), "what was read is sent on"


# Who calls


@pytest.mark.parametrize("algorithm", list(SIGNERS))
async def test_each_algorithm_of_the_issuer_is_checked(rig: EdgeRig, algorithm: str) -> None:
    good = token(algorithm=algorithm)
    assert (await rig.call(bearer=good)).status == 200
    broken = good[:-8] + (b"AAAAAAAA" if good[-8:] != b"AAAAAAAA" else b"BBBBBBBB")
    reply = await rig.call(bearer=broken)
    assert (reply.status, reason(reply)) == (401, "invalid_token")
    assert (await rig.metrics())['mcpist_jwt_checks_total{result="bad_signature"}'] == 1


@pytest.mark.parametrize(
    ("claims", "status", "result"),
    [
        ({"exp": 1}, 401, "expired"),
        ({"iss": "them"}, 403, "wrong_issuer"),
        ({"nbf": 4e9}, 401, "malformed"),
        ({"exp": "soon"}, 401, "malformed"),
        ({"tier": "a\r\nx-user-id: root"}, 401, "malformed"),
        ({"sub": "a\nb"}, 401, "malformed"),
        ({"sub": None}, 401, "malformed"),
    ],
)
async def test_claims_that_do_not_hold(
    rig: EdgeRig, claims: dict[str, Any], status: int, result: str
) -> None:
    reply = await rig.call(bearer=token(**claims))
    assert (reply.status, reason(reply), len(rig.a.seen)) == (status, "invalid_token", 0)
    assert (await rig.metrics())[f'mcpist_jwt_checks_total{{result="{result}"}}'] == 1


CHECKS = "mcpist_jwt_checks_total"
RESULTS = {
    "bad-signature": "bad_signature",
    "expired": "expired",
    "unknown-kid": "unknown_kid",
    "alg-none": "wrong_algorithm",
    "hs256-public-key": "wrong_algorithm",
    "wrong-issuer": "wrong_issuer",
    "garbage": "malformed",
}


@pytest.mark.parametrize("kind", KINDS)
async def test_forged_tokens_of_every_kind_are_refused(started: Start, kind: str) -> None:
    rig = await started(protections=["jwks-cache"])
    for serial in range(30):
        value = forged(kind, serial)
        reply = await rig.post((b"authorization", value))
        assert reply.status == (403 if kind == "wrong-issuer" else 401), (value[:80], reply.body)
        assert reason(reply) in ("invalid_token", "missing_token")
    assert rig.a.seen == []
    counted = {name: count for name, count in (await rig.metrics()).items() if name.startswith(CHECKS)}
    assert {name for name, count in counted.items() if count} <= {f'{CHECKS}{{result="{RESULTS[kind]}"}}'}


async def test_a_verified_token_is_believed_until_it_expires_unless_told_not_to(started: Start) -> None:
    rig = await started(protections=["jwks-cache"])
    good = token()
    for _ in range(3):
        await rig.call(bearer=good)
    assert (await rig.metrics())['mcpist_jwt_checks_total{result="valid"}'] == 1
    await rig.control(b"settings", {"edge": {"token_cache": False}})
    for _ in range(3):
        await rig.call(bearer=good)
    assert (await rig.metrics())['mcpist_jwt_checks_total{result="valid"}'] == 4
    await rig.control(b"settings", {"edge": {"token_cache": True}})
    short = token(exp=time.time() + 1)
    assert (await rig.call(bearer=short)).status == 200
    await asyncio.sleep(1.1)
    assert (await rig.call(bearer=short)).status == 401


# The key set: fetches for 10 sound tokens, then 10 of unknown kids


@pytest.mark.parametrize(
    ("mode", "sound", "unknown"),
    [
        ("cached", 1, 0),
        ("refetch-unknown", 1, 10),
        ("cool-down", 1, 0),
        ("none", 10, 10),
        ("per-request", 10, 10),
    ],
)
async def test_key_sets_are_fetched_as_the_mode_says(
    started: Start, mode: str, sound: int, unknown: int
) -> None:
    rig = await started(protections=["jwks-cache"], settings=edge(jwks_mode=mode))
    for _ in range(10):
        assert (await rig.call()).status == 200
    assert rig.a.fetches == sound
    for number in range(10):
        assert (await rig.call(bearer=token(kid=f"nobody-{number}"))).status == 401
    assert rig.a.fetches == sound + unknown


async def test_without_the_protection_every_request_fetches(started: Start) -> None:
    rig = await started(protections=[])
    for _ in range(3):
        await rig.call()
    assert rig.a.fetches == 3
    assert (await rig.metrics())['mcpist_jwks_fetches_total{cause="no-cache"}'] == 3


async def test_calls_that_need_the_first_key_set_share_one_fetch(started: Start) -> None:
    rig = await started(protections=["jwks-cache"])
    assert {reply.status for reply in await asyncio.gather(*(rig.call() for _ in range(30)))} == {200}
    assert rig.a.fetches == 1


async def test_without_a_key_set_nobody_is_believed_and_a_known_one_outlives_the_issuer(
    started: Start,
) -> None:
    rig = await started(protections=["jwks-cache"], settings=edge(jwks_ttl=0.05))
    rig.a.jwks_status = 500
    reply = await rig.call()
    assert (reply.status, reason(reply)) == (503, "internal_error")
    rig.a.jwks_status = 200
    assert (await rig.call()).status == 200
    rig.a.jwks_status = 500
    await asyncio.sleep(0.1)
    assert (await rig.call(bearer=token("bob"))).status == 200


# KV and its failures


async def test_a_used_up_quota_is_the_bindings_own_exception(started: Start) -> None:
    kv = {"plan": "free", "writes_per_day": 1, "writes_per_key_per_s": 1000.0}
    rig = await started(protections=["jwks-cache", "burst-limit"], settings={**SETTINGS, "kv": kv})
    assert (await rig.call(bearer=token("ann"))).status == 200
    reply = await rig.call(bearer=token("bob"))
    assert (reply.status, reason(reply)) == (500, "kv_error")
    assert message(reply) == "KV PUT failed: 429 Too Many Requests"
    assert (await rig.metrics())['mcpist_kv_failures_total{op="put",cause="quota"}'] == 1


@pytest.mark.parametrize(
    ("strategy", "mode", "statuses"),
    [
        ("kv-every-request", "throw", [500] * 7),
        ("kv-every-request", "fail-open", [200] * 7),
        ("kv-every-request", "fail-closed", [503] * 7),
        ("memory-cache", "throw", [500, 200, 200, 200, 200, 429, 429]),
        ("memory-cache", "fail-open", [200] * 5 + [429, 429]),
        ("memory-cache", "fail-closed", [503] * 7),
    ],
)
async def test_each_strategy_fails_as_its_mode_says(
    started: Start, strategy: str, mode: str, statuses: list[int]
) -> None:
    settings = edge(burst_strategy=strategy, burst_on_failure=mode)
    kv = {"plan": "free", "writes_per_day": 1}
    rig = await started(protections=["jwks-cache", "burst-limit"], settings={**settings, "kv": kv})
    await rig.call(bearer=token("spender"))
    assert [(await rig.call()).status for _ in range(7)] == statuses


async def test_one_write_a_second_to_a_key_leaves_no_burst_limit_on_the_free_plan(started: Start) -> None:
    kv = {"plan": "free"}
    rig = await started(protections=["jwks-cache", "burst-limit"], settings={**SETTINGS, "kv": kv})
    replies = [await rig.call() for _ in range(4)]
    assert [reply.status for reply in replies] == [200, 500, 500, 500]
    assert message(replies[1]) == "KV PUT failed: 429 Too Many Requests"


@pytest.mark.parametrize(
    ("strategy", "writes", "reads"), [("kv-every-request", 5, 7), ("memory-cache", 1, 0)]
)
async def test_what_each_strategy_asks_of_kv(started: Start, strategy: str, writes: int, reads: int) -> None:
    rig = await started(protections=["jwks-cache", "burst-limit"], settings=edge(burst_strategy=strategy))
    for _ in range(7):
        await rig.call()
    _, state = await rig.control(b"state")
    assert (state["kv"]["put"], state["kv"]["get"]) == (writes, reads)


async def test_the_plans_own_code_fails_by_its_own_write(started: Start) -> None:
    settings = {**edge(burst_strategy="check-burst", burst_ttl=1.0), "kv": {"plan": "free"}}
    rig = await started(protections=["jwks-cache", "burst-limit"], settings=settings)
    replies = [await rig.call() for _ in range(6)]
    assert [reply.status for reply in replies] == [500, 200, 200, 200, 200, 429]
    assert message(replies[0]) == (
        "KV PUT failed: 400 Invalid expiration_ttl of 1. Expiration TTL must be at least 60."
    )
    told = await rig.metrics()
    assert told['mcpist_kv_failures_total{op="put",cause="ttl"}'] == 1
    assert told["mcpist_burst_entries"] == 1


async def test_mended_it_asks_nothing_of_kv_and_forgets(started: Start) -> None:
    settings = {**edge(burst_strategy="sliding"), "kv": {"plan": "free", "writes_per_day": 1}}
    rig = await started(protections=["jwks-cache", "burst-limit"], settings=settings)
    assert [(await rig.call()).status for _ in range(6)] == [200] * 5 + [429]
    assert (await rig.call(bearer=token("another"))).status == 200
    assert (await rig.metrics())["mcpist_burst_entries"] == 2
    _, state = await rig.control(b"reset")
    assert (state["kv"]["put"], (await rig.metrics())["mcpist_burst_entries"]) == (0, 0)


# Control


async def test_what_is_in_force_is_swapped_before_the_command_is_answered(rig: EdgeRig) -> None:
    status, state = await rig.control(b"settings", {"edge": {"burst_per_s": 2}})
    assert (status, state["settings"]["edge"]["burst_window"]) == (200, 3600.0)
    assert [(await rig.call()).status for _ in range(3)] == [200, 200, 429]
    await rig.control(b"protections", {"names": ["jwks-cache"]})
    assert [(await rig.call()).status for _ in range(10)] == [200] * 10


async def test_bad_commands_change_nothing_and_say_so_in_one_line(rig: EdgeRig) -> None:
    commands: list[tuple[bytes, Any]] = [
        (b"settings", {"edge": {"burst_per_s": 0}}),
        (b"settings", {"edgy": {}}),
        (b"protections", {"names": ["x"]}),
        (b"faults", {"faults": [{"fault": "x"}]}),
    ]
    for command, bad in commands:
        status, answer = await rig.control(command, bad)
        assert (status, "\n" in answer["error"]) == (400, False)
    status, _ = await rig.control(b"protections", {"names": []}, key=b"guess")
    assert status == 403
    _, state = await rig.control(b"state")
    assert state["protections"] == sorted(PROTECTIONS)


async def test_reset_forgets_windows_counters_and_the_quota_used(rig: EdgeRig) -> None:
    for _ in range(6):
        await rig.call()
    _, state = await rig.control(b"reset")
    assert state["kv"] == {"get": 0, "put": 0, "writes": 0, "keys": 0}
    assert (await rig.call()).status == 200
    counted = await rig.metrics()
    assert counted['mcpist_requests_total{method="POST",path="/v1/mcp",status="200"}'] == 1
    assert counted['mcpist_requests_total{method="POST",path="/v1/mcp",status="429"}'] == 0
    assert counted["mcpist_worker_request_cpu_seconds_count"] == 1
    assert 0 < counted["mcpist_worker_request_cpu_seconds_sum"] < 0.2


async def test_the_control_socket_of_the_worker_is_no_way_around_the_token(rig: EdgeRig) -> None:
    ours = psutil.Process(rig.edge.pid)
    ports = {at.laddr.port for at in ours.net_connections() if at.status == psutil.CONN_LISTEN}
    (control,) = ports - {rig.address[1]}
    hop = Hop("127.0.0.1", control)
    assert (await hop.request(b"GET", b"/figures", timeout=5.0)).status == 403
    hop.close()


# The balancer


async def test_an_origin_that_does_not_answer_in_time(rig: EdgeRig) -> None:
    await rig.control(b"settings", {"edge": {"forward_timeout": 0.05}})
    rig.a.hold.clear()
    reply = await rig.call()
    assert (reply.status, reason(reply)) == (504, "gateway_timeout")
    await asyncio.wait_for(rig.a.left.wait(), 5)


async def test_a_lost_call_is_502_and_the_next_ones_knock_first(started: Start) -> None:
    rig = await started(protections=["jwks-cache"])
    await rig.call()
    await rig.die(0)
    first = await rig.call()
    assert (first.status, reason(first)) == (502, "origin_unavailable")
    later = await rig.call()
    assert (later.status, dict(later.headers)[b"x-backend"]) == (200, b"origin-b")
    await rig.die(1)
    await rig.call()
    assert (await rig.call()).status == 503


async def test_with_retry_other_a_lost_call_goes_to_the_other(started: Start) -> None:
    rig = await started(protections=["jwks-cache"], settings={**SETTINGS, "balancer": {"retry_other": True}})
    await rig.call()
    await rig.die(0)
    assert dict((await rig.call()).headers)[b"x-backend"] == b"origin-b"


async def test_health_checks_move_the_balancer_and_the_worker_hears_of_it(started: Start) -> None:
    balancer = {"check_interval": 0.05, "check_timeout": 2.0, "failing_over": 0.1}
    rig = await started(protections=["jwks-cache"], settings={**SETTINGS, "balancer": balancer})
    rig.a.healthy = False

    async def until(state: bytes) -> Reply:
        while dict((reply := await rig.call()).headers)[b"x-lb-state"] != state:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        return reply

    await asyncio.wait_for(until(b"split"), 20)
    backends = {dict((await rig.call()).headers)[b"x-backend"] for _ in range(4)}
    assert backends == {b"origin-a", b"origin-b"}
    rig.a.healthy = True
    await asyncio.wait_for(until(b"primary"), 20)
    _, state = await rig.control(b"state")
    moves = [event["detail"]["to"] for event in state["events"] if event["name"] == "lb"]
    assert moves == ["failing-over", "split", "recovering", "primary"]
    assert (await rig.metrics())['mcpist_lb_state{state="primary"}'] == 1


async def test_a_client_whose_connection_breaks_ends_its_call_at_the_origin(rig: EdgeRig) -> None:
    rig.a.hold.clear()
    _, writer = await asyncio.open_connection(*rig.address)
    bearer = token().decode()
    lines = ["POST /v1/mcp HTTP/1.1", "host: a", f"authorization: Bearer {bearer}"]
    writer.write("\r\n".join([*lines, f"content-length: {len(CALL)}", "", ""]).encode() + CALL)
    await asyncio.wait_for(rig.a.came.wait(), 10)
    sock = writer.get_extra_info("socket")
    sock.setsockopt(1, 13, b"\x01\0\0\0\0\0\0\0")  # SO_LINGER 0: reset
    writer.transport.abort()
    await asyncio.wait_for(rig.a.left.wait(), 10)
    counted = await rig.metrics()
    assert counted["mcpist_in_flight"] == 0
    assert counted['mcpist_requests_total{method="POST",path="/v1/mcp",status="499"}'] == 1


async def stream(rig: EdgeRig) -> StreamReply:
    """One of which the first event has come; the origin's is in `rig.a.streaming`."""
    rig.a.streaming = Streaming()
    rig.a.streaming.chunks.put_nowait(b"data: 1\n\n")
    bearer = (b"authorization", b"Bearer " + token())
    reply = await rig.hop.exchange(b"POST", b"/v1/mcp", [bearer], CALL, 20.0)
    assert isinstance(reply, StreamReply)
    assert (b"x-backend", b"origin-a") in reply.headers
    assert await anext(reply.chunks) == b"data: 1\n\n"
    return reply


async def nobody_is_in_flight(rig: EdgeRig) -> None:
    async with asyncio.timeout(20):
        while (await rig.metrics())["mcpist_in_flight"]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_stream_goes_through_as_it_comes_and_is_in_flight_until_its_end(started: Start) -> None:
    rig = await started(settings=edge(forward_timeout=0.5))
    reply = await stream(rig)
    await asyncio.sleep(0.7)  # it stands longer than a call may last
    assert rig.a.streaming is not None
    rig.a.streaming.chunks.put_nowait(b": still here\n\n")
    assert await anext(reply.chunks) == b": still here\n\n"
    assert (await rig.metrics())["mcpist_in_flight"] == 1
    rig.a.streaming.chunks.put_nowait(b"")
    assert [chunk async for chunk in reply.chunks] == []
    await nobody_is_in_flight(rig)
    counted = await rig.metrics()
    assert counted['mcpist_requests_total{method="POST",path="/v1/mcp",status="200"}'] == 1


async def test_who_left_a_stream_is_noticed_at_its_next_lines(rig: EdgeRig) -> None:
    reply = await stream(rig)
    await reply.chunks.aclose()
    assert rig.a.streaming is not None
    async with asyncio.timeout(20):
        while not rig.a.streaming.left.is_set():
            rig.a.streaming.chunks.put_nowait(b": still here\n\n")
            await asyncio.sleep(0.05)
    await nobody_is_in_flight(rig)


async def test_a_stream_that_breaks_is_broken_off(rig: EdgeRig) -> None:
    reply = await stream(rig)
    assert rig.a.streaming is not None
    rig.a.streaming.abort()
    with pytest.raises(HopReset):
        await anext(reply.chunks)
    await nobody_is_in_flight(rig)


async def test_a_route_by_name_is_taken_and_left_when_its_origin_is_dead(started: Start) -> None:
    checks = {"check_interval": 0.05, "check_timeout": 2.0}
    rig = await started([], {**edge(name_routes={"search": "origin-b"}), "balancer": checks})
    for name, backend in ((b"search", b"b"), (b"=?base64?c2VhcmNo?=", b"b"), (b"other", b"a")):
        assert (b"x-backend", b"origin-" + backend) in (await rig.call((b"mcp-name", name))).headers
    assert (b"x-backend", b"origin-a") in (await rig.call()).headers
    await rig.die(1)
    async with asyncio.timeout(20):
        while (b"x-backend", b"origin-a") not in (  # noqa: ASYNC110
            await rig.call((b"mcp-name", b"search"))
        ).headers:
            await asyncio.sleep(0.01)


# Isolates


async def test_each_of_several_isolates_counts_for_itself(rig: EdgeRig) -> None:
    await rig.control(b"settings", {"edge": {"isolates": 3, "burst_strategy": "memory-cache"}})
    statuses = [(await rig.call()).status for _ in range(90)]
    assert statuses.count(200) == 15
    counted = await rig.metrics()
    assert sum(counted[f'mcpist_isolate_requests_total{{isolate="{place}"}}'] for place in range(3)) == 90
    assert counted["mcpist_isolates"] == 3
    assert counted['mcpist_rate_limit_hits_total{limit="burst-limit"}'] == 75
    assert counted['mcpist_requests_total{method="POST",path="/v1/mcp",status="429"}'] == 75
    ids = [seen[b"x-request-id"] for seen in rig.a.seen]
    assert len(set(ids)) == 15, "each isolate counts its own, and no two are alike"
    await rig.control(b"settings", {"edge": {"isolates": 2}})
    assert {(await rig.call()).status for _ in range(10)} == {429}  # those that stay keep their memory
    await rig.control(b"settings", {"edge": {"isolates": 1}})
    assert (await rig.call()).status == 200
    counted = await rig.metrics()
    assert counted['mcpist_rate_limit_hits_total{limit="burst-limit"}'] == 85  # of the ended ones too


async def test_another_isolate_sees_a_write_only_after_the_delay(started: Start) -> None:
    settings = edge(isolates=2, ip_per_min=3)
    rig = await started(protections=["ip-limit"], settings={**settings, "kv": {"consistency": 600.0}})
    replies = [await rig.post() for _ in range(40)]
    assert [reason(reply) for reply in replies].count("missing_token") == 6


# Room for calls


FILES = 400
BEARS = 90  # calls that one process of so many files holds
WAVE = 15  # calls at once


@pytest_asyncio.fixture
async def small(tmp_path: Path) -> AsyncIterator[EdgeRig]:
    """One whose processes may open few files."""
    process = EdgeProcess(tmp_path, files=FILES)
    rig = EdgeRig(process)
    yield await rig.start(protections=["jwks-cache", "ip-limit"])
    await rig.stop()
    process.end()


async def room(rig: EdgeRig, calls: int, **settings: Any) -> list[int]:
    """Ask for so many calls at once; the processes' ids, once all take calls."""
    await rig.control(b"settings", {"edge": {"calls_at_once": calls, **settings}})
    while True:
        _, state = await rig.control(b"state")
        if len(state["workers"]) >= state["room"]["processes"]:
            assert state["room"]["calls"] >= calls
            return list(state["workers"])
        await asyncio.sleep(0.05)


def open_files(pids: list[int]) -> list[int]:
    return [sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir()) for pid in pids]


async def held(rig: EdgeRig, count: int) -> list[asyncio.Task[Reply]]:
    """So many more calls in flight, all at the origin: waves, with a look at the open files behind each."""
    rig.a.hold.clear()
    before = len(rig.a.seen)
    calls: list[asyncio.Task[Reply]] = []
    while len(calls) < count:
        calls += [asyncio.create_task(rig.call()) for _ in range(WAVE)]
        async with asyncio.timeout(30):
            while len(rig.a.seen) < before + len(calls):  # noqa: ASYNC110 - it tells of the first alone
                await asyncio.sleep(0.01)
        await asyncio.sleep(1.1 * LOOK)
        await rig.control(b"state")  # whoever answers has looked since, however busy the machine is
    return calls


async def test_more_calls_than_one_process_has_files_for_are_all_held_answered_and_counted(
    small: EdgeRig,
) -> None:
    workers = await room(small, 3 * BEARS)
    calls = await held(small, 3 * BEARS - 2 * WAVE)  # a wave goes to one process, full as it may be
    assert len(calls) * 2 > FILES, "one process could not even have their clients"
    assert all(100 < count < FILES for count in open_files(workers))
    counted = await small.metrics()
    assert (counted["mcpist_in_flight"], counted["mcpist_isolates"]) == (len(calls), 3)
    small.a.hold.set()
    assert {(await call).status for call in calls} == {200}
    assert len({seen[b"x-request-id"] for seen in small.a.seen}) == len(calls)
    counted = await small.metrics()
    assert counted['mcpist_requests_total{method="POST",path="/v1/mcp",status="200"}'] == len(calls)
    assert counted["mcpist_forwarded_total"] == counted["mcpist_request_duration_seconds_count"] == len(calls)
    assert counted["mcpist_in_flight_peak"] == len(calls)
    names = ["front", "sibling-1", "sibling-2"]
    cpu = [counted[f'mcpist_worker_process_cpu_seconds_total{{process="{name}"}}'] for name in names]
    assert 0 < counted["mcpist_worker_request_cpu_seconds_sum"] < sum(cpu)
    await small.control(b"reset")
    counted = await small.metrics()
    assert counted['mcpist_requests_total{method="POST",path="/v1/mcp",status="200"}'] == 0


async def test_a_call_holds_four_files(small: EdgeRig) -> None:
    (front,) = await room(small, 0)
    await small.call()
    (before,) = open_files([front])
    calls = await held(small, 60)
    await asyncio.sleep(0.5)  # it watches a connection through a copy, which it may make once the call is out
    (now,) = open_files([front])
    assert 4 * len(calls) - 4 <= now - before <= 4 * len(calls) + 2 * FILES // 40
    small.a.hold.set()
    await asyncio.gather(*calls)


async def test_a_sibling_takes_calls_only_once_the_first_is_half_full(small: EdgeRig) -> None:
    await room(small, 2 * BEARS, burst_strategy="memory-cache")
    await small.control(b"protections", {"names": ["jwks-cache", "burst-limit"]})
    statuses = [(await small.call()).status for _ in range(40)]
    assert statuses.count(200) == 5, "one isolate's memory"
    assert (await small.metrics())["mcpist_isolates"] == 1
    await small.control(b"protections", {"names": ["jwks-cache"]})
    calls = await held(small, 75)
    assert (await small.metrics())["mcpist_isolates"] == 2
    small.a.hold.set()
    assert {(await call).status for call in calls} == {200}


async def test_isolates_that_are_named_stay_as_many_and_siblings_hand_calls_to_them(small: EdgeRig) -> None:
    await room(small, 2 * BEARS, isolates=2)
    calls = await held(small, 75)
    counted = await small.metrics()
    assert counted["mcpist_isolates"] == 2
    assert sum(counted[f'mcpist_isolate_requests_total{{isolate="{n}"}}'] for n in range(2)) == len(calls)
    small.a.hold.set()
    assert {(await call).status for call in calls} == {200}


async def test_what_is_no_longer_needed_stands_by_and_what_is_in_force_reaches_it(small: EdgeRig) -> None:
    workers = await room(small, 2 * BEARS)
    await small.control(b"settings", {"edge": {"calls_at_once": 0, "ip_per_min": 3}})
    _, state = await small.control(b"state")
    assert (state["workers"], state["room"]["processes"]) == (workers, 1)
    assert await room(small, 2 * BEARS) == workers
    os.kill(workers[0], signal.SIGSTOP)
    stopped = psutil.Process(workers[1])
    async with asyncio.timeout(10):
        while stopped.status() != psutil.STATUS_STOPPED:  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(0.01)
    os.kill(workers[0], signal.SIGCONT)
    assert [reason(await small.post()) for _ in range(4)] == ["missing_token"] * 3 + ["ip_limit_exceeded"]


async def test_siblings_end_with_it_and_the_port_is_free_again(small: EdgeRig) -> None:
    await room(small, 3 * BEARS)
    family = small.edge.family()
    assert len(family) == 3
    small.edge.process.kill()
    await small.edge.wait()
    await asyncio.to_thread(small.edge.addresses["edge"].socket().close)
    assert not processes.left(family, 5)
    assert small.edge.errors() == ""


# Its life


async def test_it_ends_at_sigterm_and_so_does_what_it_started(own: EdgeRig) -> None:
    await own.control(b"settings", {"edge": {"isolates": 2}})
    family = own.edge.family()
    assert len(family) == 3
    own.edge.process.send_signal(signal.SIGTERM)
    assert await own.edge.wait() == 0
    assert not processes.left(family)
    assert own.edge.errors() == ""


async def test_it_ends_with_its_supervisor_even_with_a_call_in_flight(own: EdgeRig) -> None:
    own.a.hold.clear()
    call = asyncio.create_task(own.call())
    await asyncio.wait_for(own.a.came.wait(), 10)
    family = own.edge.family()
    own.edge.let_go()
    await own.edge.wait()
    assert not processes.left(family)
    with pytest.raises(HopReset):
        await call


async def test_killed_it_leaves_nothing_and_its_port_refuses(own: EdgeRig) -> None:
    family = own.edge.family()
    own.edge.process.kill()
    await own.edge.wait()
    assert not processes.left(family)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(*own.address)


async def test_an_isolate_that_dies_takes_the_edge_with_it(own: EdgeRig) -> None:
    await own.control(b"settings", {"edge": {"isolates": 2}})
    _, state = await own.control(b"state")
    os.kill(state["workers"][1], signal.SIGKILL)
    assert await own.edge.wait() == -signal.SIGKILL
    assert "isolate-1 ended with exit code -9" in own.edge.errors()


@pytest.mark.parametrize(
    ("config", "code", "words"),
    [
        ({"surprise": 1}, 2, "surprise"),
        ({"settings": {"edge": {"isolates": 0}}}, 2, "settings.edge.isolates"),
        ({"addresses": {}}, 3, "origin-a"),
    ],
)
async def test_a_bad_configuration_is_one_line(
    tmp_path: Path, config: dict[str, Any], code: int, words: str
) -> None:
    process = EdgeProcess(tmp_path, **config)
    assert await process.wait() == code
    assert words in process.errors()
    assert len(process.errors().splitlines()) == 1
    process.end()
