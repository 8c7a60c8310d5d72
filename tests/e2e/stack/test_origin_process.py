"""The origin as a process, with its upstream and a real Postgres."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from fakes.database.postgres import EmbeddedPostgres
from fakes.http.hop import HopConnectError, HopReset
from fakes.origin.nano import memory_bytes
from fakes.settings import NanoSettings
from tests.support.origin_rig import OriginRig, data, reason, rig, until
from verdicts.measure.intents import causes

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("origin")]
SLOW = {"upstreams": {"slow": {"wait": {"mean": 60.0}}, "fast": {"echo": {"mean": 0.01}}}}
TRANSACTIONS = "SELECT count(*) FROM mcpist.credit_transactions"
ORPHANS = (
    "SELECT count(*) FROM mcpist.credit_transactions t "
    "WHERE NOT EXISTS (SELECT FROM mcpist.usage u WHERE u.request_id = t.request_id)"
)


@pytest.fixture(scope="module")
def postgres() -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres()
    server.start()
    yield server
    server.stop()


async def slow_call(made: OriginRig, **more: str) -> asyncio.Task[Any]:
    """A call under way in the upstream."""
    before = await made.metric("upstream", 'mcpist_upstream_in_flight{upstream="slow"}')
    task = asyncio.create_task(made.run("slow", "wait", **more))

    async def arrived() -> bool:
        return await made.metric("upstream", 'mcpist_upstream_in_flight{upstream="slow"}') > before

    await until(arrived)
    return task


async def in_flight(made: OriginRig) -> tuple[float, float]:
    """Of the gateway's calls, seen by the origin and by the upstream; the scrape itself is not counted."""
    return (
        await made.metric("origin-a", "mcpist_in_flight"),
        await made.metric("upstream", 'mcpist_upstream_in_flight{upstream="slow"}'),
    )


async def test_calls_are_charged_recorded_and_counted_alike(postgres: EmbeddedPostgres) -> None:
    async with rig(names=("upstream", "origin-a", "origin-b"), postgres=postgres) as made:
        replies = await asyncio.gather(
            *(made.run(name=f"origin-{'ab'[n % 2]}", user=f"u{n % 3}") for n in range(20)),
            *(made.run(name=f"origin-{'ab'[n % 2]}", x_request_id="one") for n in range(6)),
        )
        assert {reply.status for reply in replies} == {200}
        names = {dict(reply.headers)[b"x-instance-id"][:9] for reply in replies}
        assert names == {b"origin-a-", b"origin-b-"}
        assert await made.sql(TRANSACTIONS) == 21
        assert await made.sql("SELECT sum(granted - balance) FROM mcpist.credits") == 21
        consumed = [
            await made.metric(name, "mcpist_credits_consumed_total") for name in ("origin-a", "origin-b")
        ]
        assert sum(consumed) == 21

        async def recorded() -> bool:
            return bool(await made.sql(ORPHANS) == 0)

        await until(recorded)
        served = 'mcpist_upstream_requests_total{status="200",tool="echo",upstream="fast"}'
        assert await made.metric("upstream", served) == 26


@pytest.mark.parametrize(
    ("wanted", "given"), [("2025-06-18", "2025-06-18"), ("1999-01-01", "2025-11-25"), (7, "2025-11-25")]
)
async def test_it_begins_with_a_version_that_is_served_and_no_session(
    postgres: EmbeddedPostgres, wanted: object, given: str
) -> None:
    async with rig(postgres=postgres) as made:
        reply = await made.rpc("initialize", {"protocolVersion": wanted})
        assert data(reply)["result"]["protocolVersion"] == given
        assert b"mcp-session-id" not in {name.lower() for name, _ in reply.headers}


async def test_a_client_that_leaves_cancels_its_call_everywhere(postgres: EmbeddedPostgres) -> None:
    names = ("user-concurrency", "global-concurrency", "breaker")
    settings = {**SLOW, "origin": {"user_concurrency": 1}}
    async with rig(settings, names, postgres=postgres) as made:
        task = await slow_call(made)
        assert reason(await made.run("slow", "wait")) == "user_concurrency_exceeded"
        task.cancel()

        async def gone() -> bool:
            return await in_flight(made) == (0, 0)

        await until(gone)
        assert (await made.run("fast", "echo")).status == 200
        await asyncio.sleep(0.4)
        assert await made.sql(ORPHANS) == 1
        assert (
            await made.metric("origin-a", 'mcpist_upstream_calls_total{outcome="abandoned",upstream="slow"}')
            == 1
        )


async def test_a_protection_switched_off_and_on_loses_no_permit(postgres: EmbeddedPostgres) -> None:
    settings = {**SLOW, "origin": {"user_concurrency": 2}}
    async with rig(settings, ("user-concurrency",), postgres=postgres) as made:
        tasks = [await slow_call(made)]
        await made.control("origin-a", "protections", {"names": []})
        tasks.append(await slow_call(made))
        await made.control("origin-a", "protections", {"names": ["user-concurrency"]})
        tasks.append(await slow_call(made))
        assert reason(await made.run("slow", "wait")) == "user_concurrency_exceeded"
        for task in tasks:
            task.cancel()

        async def free() -> bool:
            return (await made.run("fast", "echo")).status == 200 and await in_flight(made) == (0, 0)

        await until(free)


async def test_the_breaker_spares_money_and_heals(postgres: EmbeddedPostgres) -> None:
    settings = {"origin": {"breaker_failures": 3, "breaker_open": 0.3}}
    async with rig(settings, ("breaker",), postgres=postgres) as made:
        await made.fault("upstream", "upstream-error", target="fast", status=503)
        said = [reason(await made.run()) for _ in range(5)]
        assert said == ["upstream_error"] * 3 + ["breaker_open"] * 2
        assert await made.sql(TRANSACTIONS) == 3
        assert await made.metric("origin-a", 'mcpist_breaker_state{state="open",upstream="fast"}') == 1
        await made.control("upstream", "faults", {"faults": []})

        async def healed() -> bool:
            return (await made.run()).status == 200

        await until(healed)
        assert await made.metric("origin-a", 'mcpist_breaker_state{state="closed",upstream="fast"}') == 1


@pytest.mark.modelled
async def test_over_its_memory_the_instance_dies_and_returns_as_another(postgres: EmbeddedPostgres) -> None:
    nano = {"memory_limit": memory_bytes(NanoSettings(), 2), "restart": 1.0}
    async with rig({**SLOW, "nano": nano}, ("rate-limit",), postgres=postgres) as made:
        first = dict((await made.run(x_user_tier="free")).headers)
        tasks = [await slow_call(made), await slow_call(made)]
        with pytest.raises(HopReset):
            await made.run()
        for task in tasks:
            with pytest.raises(HopReset):
                await task
        with pytest.raises((HopReset, HopConnectError)):
            await made.request("origin-a", "GET", "/health")
        assert await made.metric("origin-a", 'mcpist_nano_kills_total{limit="memory"}') == 1
        assert await made.metric("origin-a", "mcpist_memory_bytes") == 0

        async def back() -> bool:
            try:
                return (await made.request("origin-a", "GET", "/health")).status == 200
            except HopReset:
                return False

        await until(back)
        second = dict((await made.run(x_user_tier="free")).headers)
        assert second[b"x-instance-id"] != first[b"x-instance-id"]
        assert second[b"x-ratelimit-remaining"] == b"29"
        assert await in_flight(made) == (0, 0)


@pytest.mark.modelled
async def test_cpu_is_a_queue(postgres: EmbeddedPostgres) -> None:
    nano = {"cpu_per_request": 0.01, "cpu_burst": 0.0, "cpu_share": 0.1}
    async with rig({"nano": nano, **SLOW}, postgres=postgres) as made:
        loop = asyncio.get_running_loop()
        began = loop.time()
        await asyncio.gather(*(made.rpc("ping") for _ in range(5)))
        assert loop.time() - began >= 0.5 - 0.01
        assert await made.metric("origin-a", "mcpist_nano_cpu_seconds_total") == pytest.approx(0.05)


async def test_the_wait_before_an_upstream_is_told(postgres: EmbeddedPostgres, origin: str) -> None:
    told = {"fakes": causes.MODELLED, "real": causes.MEASURED}[origin]
    settings = {
        "nano": {"cpu_per_request": 0.5, "cpu_burst": 0.0, "cpu_share": 0.5},  # the model's: a second each
        "database": {"pool_size": 1, "acquire_timeout": 20.0},
    }
    async with rig(settings, postgres=postgres) as made:
        assert await made.metric("origin-a", told) < 0.3
        await made.fault("origin-a", "db-hold", seconds=1.5, target="origin-a")
        calls = [asyncio.create_task(made.run()) for _ in range(3)]

        async def waited(seconds: float) -> bool:
            return await made.metric("origin-a", told) > seconds

        await until(partial(waited, 1.0))
        assert {one.status for one in await asyncio.gather(*calls)} == {200}
        assert await made.metric("origin-a", told) < 0.3
        page = (await made.request("origin-a", "GET", "/metrics")).body.decode()
        assert [f"\n{name} " in page for name in (causes.MODELLED, causes.MEASURED)] == [
            origin == "fakes",
            origin == "real",
        ]


@pytest.mark.modelled
async def test_a_standing_queue_turns_requests_away(postgres: EmbeddedPostgres) -> None:
    settings = {
        "nano": {"cpu_per_request": 0.05, "cpu_burst": 0.0, "cpu_share": 0.1},
        "protections": {"load-shedding": {"target": 0.2, "interval": 0.1, "cost": 0.0}},
    }
    async with rig({**settings, **SLOW}, ("load-shedding",), postgres=postgres) as made:
        first = [asyncio.create_task(made.rpc("ping")) for _ in range(3)]  # a second and a half of queue
        await asyncio.sleep(0.3)
        reply = await made.rpc("ping")
        assert (reply.status, dict(reply.headers)[b"retry-after"]) == (503, b"1")
        assert b"load_shed" in reply.body
        assert (await made.request("origin-a", "GET", "/health")).status == 200
        assert {one.status for one in await asyncio.gather(*first)} == {200}
        assert await made.metric("origin-a", 'mcpist_refused_total{reason="load_shed"}') == 1


def all_stopped(pid: int) -> bool:
    threads = Path(f"/proc/{pid}/task").iterdir()
    return all("State:\tT" in (thread / "status").read_text() for thread in threads)


async def test_who_waited_for_a_frozen_origin_is_turned_away(postgres: EmbeddedPostgres, origin: str) -> None:
    if origin == "fakes":
        pytest.skip("the fake's queue is modelled: it knows nothing of what its own process waits for")
    settings = {"protections": {"load-shedding": {"target": 0.2, "interval": 0.0}}}
    async with rig(settings, ("load-shedding", "deadline-propagation"), postgres=postgres) as made:
        assert (await made.run()).status == 200
        process = made.processes["origin-a"]
        process.send_signal(signal.SIGSTOP)
        await until(partial(asyncio.to_thread, all_stopped, process.pid))
        waiting = [
            asyncio.create_task(made.run()) for _ in range(3)
        ]  # one connection kept, two to be accepted
        patient = asyncio.create_task(made.run(x_request_timeout="60"))
        hasty = asyncio.create_task(made.run(x_request_timeout="0.5"))
        await asyncio.sleep(0.6)
        process.send_signal(signal.SIGCONT)
        assert {reason(one) for one in await asyncio.gather(*waiting, patient)} == {"load_shed"}
        assert dict((await patient).headers)[b"retry-after"] == b"1"
        late = await hasty
        assert (late.status, reason(late)) == (504, "deadline_exceeded")
        detail = data(late)["error"]["data"]["detail"]
        assert 0.5 < float(detail.removeprefix("a wait of ").split()[0]) < 10
        assert await made.metric("origin-a", 'mcpist_refused_total{reason="load_shed"}') == 4

        async def open_again() -> bool:
            return (await made.run()).status == 200

        await until(open_again)


async def test_what_a_caller_would_not_wait_for_is_not_begun_and_ends(postgres: EmbeddedPostgres) -> None:
    settings = {**SLOW, "protections": {"deadline-propagation": {"margin": 1.0}}}
    async with rig(settings, ("deadline-propagation",), postgres=postgres) as made:
        refused = await made.run(x_request_timeout="0.9")
        assert (refused.status, reason(refused)) == (504, "deadline_exceeded")
        assert b"x-ratelimit-limit" not in dict(refused.headers)
        assert await made.metric("origin-a", 'mcpist_refused_total{reason="deadline_exceeded"}') == 1
        assert await made.sql(TRANSACTIONS) == 0
        hasty = [(b"x-request-timeout", b"0.9")]
        assert (await made.request("origin-a", "GET", "/health", headers=hasty)).status == 200
        for heard in ("60", "never"):
            assert (await made.run(x_request_timeout=heard)).status == 200
        ended = await (await slow_call(made, x_request_timeout="3"))
        assert (ended.status, reason(ended)) == (504, "gateway_timeout")
        assert data(ended)["error"]["message"] == "no answer within 3 s"

        async def gone() -> bool:
            return await in_flight(made) == (0, 0)

        await until(gone)


async def test_who_has_more_than_a_fair_share_is_refused(postgres: EmbeddedPostgres) -> None:
    settings = {**SLOW, "protections": {"fair-queue": {"limit": 8}}}
    async with rig(settings, ("fair-queue",), postgres=postgres) as made:
        tasks = [await slow_call(made) for _ in range(5)]
        last = asyncio.gather(*(made.run("slow", "wait", x_request_id=f"more-{n}") for n in range(4)))

        async def refused() -> bool:
            sample = 'mcpist_refused_total{reason="fair_share_exceeded"}'
            return await made.metric("origin-a", sample) > 0

        await until(refused)
        assert await made.metric("origin-a", "mcpist_tool_calls") <= 8
        last.cancel()
        for task in tasks:
            task.cancel()

        async def free() -> bool:
            return (await made.run()).status == 200 and await in_flight(made) == (0, 0)

        await until(free)


async def test_each_upstream_has_a_limit_that_adapts(postgres: EmbeddedPostgres) -> None:
    settings = {**SLOW, "protections": {"adaptive-concurrency": {"begin": 2, "least": 3}}}
    async with rig(settings, ("adaptive-concurrency",), postgres=postgres) as made:
        tasks = [await slow_call(made) for _ in range(2)]
        refused = await made.run("slow", "wait")
        assert (refused.status, reason(refused)) == (503, "adaptive_concurrency_exceeded")
        assert data(refused)["error"]["message"] == "2 calls of slow are running"
        assert dict(refused.headers)[b"retry-after"] == b"1"
        assert (await made.run()).status == 200
        tasks.pop().cancel()  # its end is a failure, which takes the limit to the least: three

        async def gone() -> bool:
            return (await in_flight(made))[1] == 1

        await until(gone)
        tasks += [await slow_call(made) for _ in range(2)]
        assert reason(await made.run("slow", "wait")) == "adaptive_concurrency_exceeded"
        await made.control("origin-a", "reset")
        tasks += [await slow_call(made) for _ in range(2)]  # it began anew
        assert reason(await made.run("slow", "wait")) == "adaptive_concurrency_exceeded"
        for task in tasks:
            task.cancel()


async def test_what_has_a_key_is_done_once_and_tried_again_where_it_failed(
    postgres: EmbeddedPostgres,
) -> None:
    settings = {**SLOW, "upstreams": {**SLOW["upstreams"], "slow": {"wait": {"mean": 1.0}}}}
    async with rig(settings, ("idempotency",), postgres=postgres) as made:
        served = 'mcpist_upstream_requests_total{status="200",tool="wait",upstream="slow"}'
        first = [await made.run("slow", "wait", idempotency_key="k", x_request_id=str(n)) for n in range(2)]
        assert data(first[0]) == data(first[1])
        assert [b"server-timing" in dict(one.headers) for one in first] == [True, False]
        at_once = (made.run("slow", "wait", idempotency_key="k2") for _ in range(4))
        assert {one.status for one in await asyncio.gather(*at_once)} == {200}
        assert await made.metric("upstream", served) == 2
        assert await made.metric("origin-a", "mcpist_replayed_total") == 4
        leaves = await slow_call(made, idempotency_key="k3")
        waits = asyncio.create_task(made.run("slow", "wait", idempotency_key="k3"))
        await asyncio.sleep(0.1)
        leaves.cancel()
        assert (await waits).status == 200
        await made.fault("upstream", "upstream-error", target="fast", status=503)
        assert reason(await made.run(idempotency_key="k4")) == "upstream_error"
        await made.control("upstream", "faults", {"faults": []})
        assert (await made.run(idempotency_key="k4")).status == 200
        lines = "\n".join(json.dumps({"module": "fast", "tool": "echo"}) for _ in range(2))
        batch = {"name": "batch", "arguments": {"commands": lines}}
        twice = [await made.rpc("tools/call", batch, idempotency_key="b") for _ in range(2)]
        assert data(twice[0]) == data(twice[1])
        ids = "SELECT string_agg(request_id, ' ' ORDER BY request_id) FROM mcpist.credit_transactions"
        assert await made.sql(ids) == "u/b/1 u/b/2 u/k u/k2 u/k3 u/k4"
        assert (await made.run(idempotency_key="x" * 201, x_request_id="long")).status == 200
        assert await made.sql(TRANSACTIONS) == 7


async def test_both_origins_know_what_was_answered(postgres: EmbeddedPostgres) -> None:
    async with rig({}, ("idempotency",), ("upstream", "origin-a", "origin-b"), postgres) as made:
        said = [await made.run(name=f"origin-{name}", idempotency_key="k") for name in "aab"]
        assert data(said[0]) == data(said[1]) == data(said[2])
        assert await made.sql(TRANSACTIONS) == 1
        repeats = [await made.metric(f"origin-{name}", "mcpist_replayed_total") for name in "ab"]
        assert repeats == [1, 1]


async def test_origins_share_a_limit_when_they_sync(postgres: EmbeddedPostgres) -> None:
    settings = {"origin": {"rate_window": 3600.0, "rate_sync": 0.05, "tiers": {"free": 4}}}
    async with rig(settings, ("rate-limit",), ("upstream", "origin-a", "origin-b"), postgres) as made:
        for name in ("origin-a", "origin-b"):
            for _ in range(2):
                assert (await made.rpc("ping", name=name, x_user_tier="free")).status == 200

        async def both_know() -> bool:
            answers = [
                await made.rpc("ping", name=name, x_user_tier="free") for name in ("origin-a", "origin-b")
            ]
            return [answer.status for answer in answers] == [429, 429]

        await until(both_know)


async def test_database_faults(postgres: EmbeddedPostgres) -> None:
    settings = {"database": {"pool_size": 1, "acquire_timeout": 0.1}, "origin": {"usage_flush": 100.0}}
    async with rig(settings, postgres=postgres) as made:
        await made.fault("origin-a", "db-down")
        assert reason(await made.run()) == "db_error"
        assert (await made.request("origin-a", "GET", "/health")).status == 503
        await made.fault("origin-a", "db-hold", seconds=2.0, target="origin-b")
        assert (await made.run()).status == 200
        await made.fault("origin-a", "db-hold", seconds=2.0, target="origin-a")
        holding = asyncio.create_task(made.run())
        await asyncio.sleep(0.5)
        assert await made.metric("origin-a", 'mcpist_db_connections{state="used"}') == 1
        refused = await made.run()
        assert (refused.status, reason(refused)) == (503, "db_pool_timeout")
        assert dict(refused.headers)[b"retry-after"] == b"1"
        assert data(refused)["error"]["data"]["detail"].startswith("all 1 connections of the pool in use")
        assert (await holding).status == 200
        assert await made.metric("origin-a", 'mcpist_db_errors_total{code="db_pool_timeout"}') == 1


@pytest.mark.parametrize("mode", ["pool", "none"])
async def test_a_row_that_stays_locked_is_waited_for_no_longer_than_told(
    postgres: EmbeddedPostgres, mode: str
) -> None:
    async with rig({"database": {"mode": mode, "lock_timeout": 0.2}}, postgres=postgres) as made:
        assert (await made.run()).status == 200
        locking = await asyncpg.connect(postgres.dsn())
        try:
            async with locking.transaction():
                await locking.execute("SELECT 1 FROM mcpist.credits FOR UPDATE")
                refused = await made.run()
        finally:
            await locking.close()
        assert reason(refused) == "db_error"
        assert data(refused)["error"]["data"]["detail"] == "canceling statement due to lock timeout"
        assert await made.metric("origin-a", 'mcpist_db_errors_total{code="55P03"}') == 1
        assert (await made.run()).status == 200


SPY = (
    "CREATE OR REPLACE FUNCTION mcpist.spy() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN NEW.origin := current_setting('synchronous_commit'); RETURN NEW; END $$",
    "CREATE TRIGGER spy BEFORE INSERT ON mcpist.credit_transactions "
    "FOR EACH ROW EXECUTE FUNCTION mcpist.spy()",
)


async def test_settings_of_connections_hold_though_the_server_bears_no_second_pool(
    postgres: EmbeddedPostgres,
) -> None:
    async with rig({"database": {"pool_size": 30, "pool_open": 30}}, postgres=postgres) as made:  # of 57
        for statement in SPY:
            await made.sql(statement)
        last = "SELECT origin FROM mcpist.credit_transactions ORDER BY at DESC LIMIT 1"
        await made.run()
        assert await made.sql(last) == "off"
        await made.control("origin-a", "settings", {"database": {"synchronous_commit": True}})

        async def in_force() -> bool:
            await made.run()
            return bool(await made.sql(last) == "on")

        async def is_open() -> bool:
            return await made.metric("origin-a", 'mcpist_db_connections{state="idle"}') == 30

        await until(in_force)
        await until(is_open)


async def test_process_faults(postgres: EmbeddedPostgres) -> None:
    async with rig(SLOW, postgres=postgres) as made:
        await made.fault("origin-a", "health-fail")
        assert (await made.request("origin-a", "GET", "/health")).status == 503
        await made.fault("origin-a", "origin-stall")
        stalled = asyncio.create_task(made.run("fast", "echo"))
        done, _ = await asyncio.wait((stalled,), timeout=0.2)
        assert not done
        await made.control("origin-a", "faults", {"faults": []})
        assert (await stalled).status == 200
        held = await slow_call(made)
        await made.fault("origin-a", "origin-exit")
        with pytest.raises(HopReset):
            await held
        assert await asyncio.to_thread(made.processes["origin-a"].wait, 10) == 1
        assert await made.sql("SELECT sum(granted - balance) FROM mcpist.credits") == await made.sql(
            TRANSACTIONS
        )


async def test_reset_forgets_windows_but_not_calls(postgres: EmbeddedPostgres) -> None:
    settings = {**SLOW, "origin": {"user_concurrency": 1, "tiers": {"free": 2}}}
    async with rig(settings, ("rate-limit", "user-concurrency"), postgres=postgres) as made:
        task = await slow_call(made)
        assert [(await made.rpc("ping", x_user_tier="free")).status for _ in range(3)] == [200, 200, 429]
        await made.control("origin-a", "reset")
        assert (await made.rpc("ping", x_user_tier="free")).status == 200
        assert await made.metric("origin-a", 'mcpist_refused_total{reason="rate_limit_exceeded"}') == 0
        assert reason(await made.run("slow", "wait")) == "user_concurrency_exceeded"
        task.cancel()


async def test_a_batch_is_charged_by_command(postgres: EmbeddedPostgres) -> None:
    async with rig({"database": {"credits": 7}}, postgres=postgres) as made:
        lines = "\n".join(json.dumps({"module": "fast", "tool": "echo"}) for _ in range(10))
        reply = await made.rpc(
            "tools/call", {"name": "batch", "arguments": {"commands": lines}}, x_request_id="b"
        )
        told = [json.loads(line) for line in data(reply)["result"]["content"][0]["text"].splitlines()]
        assert sorted(line.get("reason", "ok") for line in told) == ["insufficient_credits"] * 3 + ["ok"] * 7
        assert await made.sql("SELECT balance FROM mcpist.credits") == 0
