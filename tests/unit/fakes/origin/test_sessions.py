from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fakes.http.asgi import Reply
from fakes.origin.sessions import Session
from tests.support.gateway_rig import RUN, GatewayRig, SessionTable, refusal, said

MEMORY = {"mcp": {"sessions": "memory"}}
SHARED = {"mcp": {"sessions": "shared"}}
CANCEL = {"id": None, "method": "notifications/cancelled", "params": {"requestId": 7}}


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


class Stall:
    """A tool call that lasts until it is let go."""

    def __init__(self, rig: GatewayRig) -> None:
        self.go, self.began, self.ended = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.answer = rig.call
        rig.does = self

    async def __call__(self, *call: Any) -> Any:
        from fakes.origin.tool_call import ToolResult

        self.began.set()
        try:
            await self.go.wait()
        finally:
            self.ended.set()
        return ToolResult("late", False, None)


async def test_off_gives_no_session_and_passes_over_an_id() -> None:
    rig = GatewayRig()
    opened = await rig.post({"method": "initialize"})
    assert b"mcp-session-id" not in dict(opened.headers)
    assert (await rig.post(RUN, mcp_session_id="anything")).status == 200
    assert (await rig.beside("DELETE", mcp_session_id="anything")).status == 405
    assert (await rig.beside("GET", mcp_session_id="anything")).status == 405


async def test_a_call_needs_its_session() -> None:
    rig = GatewayRig(settings=MEMORY)
    session = await rig.opened()
    assert refusal(await rig.post(RUN)) == (400, -32000)
    assert refusal(await rig.post(RUN, mcp_session_id="other")) == (404, -32001)
    assert (await rig.post(RUN, mcp_session_id=session)).status == 200
    assert len(rig.contexts) == 1


async def test_a_session_is_its_users_alone() -> None:
    rig = GatewayRig(settings=MEMORY)
    session = await rig.opened()
    assert refusal(await rig.post(RUN, mcp_session_id=session, x_user_id="other")) == (404, -32001)


@pytest.mark.parametrize("settings", [MEMORY, SHARED])
async def test_anothers_use_of_a_session_leaves_it_to_its_user(settings: dict[str, Any]) -> None:
    rig = GatewayRig(settings=settings)
    session = await rig.opened()
    held = rig.sessions
    mine = await held.find({b"mcp-session-id": session.encode()}, "u", settings is SHARED)
    for _ in range(2):
        reply = await rig.post(RUN, mcp_session_id=session, x_user_id="other")
        assert refusal(reply) == (404, -32001)
    assert await held.find({b"mcp-session-id": session.encode()}, "u", settings is SHARED) is mine
    assert rig.value("mcpist_sessions_total", event="lost") == 0
    for _ in range(2):
        reply = await rig.post(RUN, mcp_session_id="none", x_user_id="other")
        assert refusal(reply) == (404, -32001)
    assert rig.value("mcpist_sessions_total", event="lost") == 1


async def test_anothers_use_of_a_session_of_the_other_origin_brings_nothing_here() -> None:
    table = SessionTable()
    one, other = GatewayRig(settings=SHARED, table=table), GatewayRig(settings=SHARED, table=table)
    session = await one.opened()
    assert refusal(await other.post(RUN, mcp_session_id=session, x_user_id="other")) == (404, -32001)
    counted = [other.value("mcpist_sessions_open"), other.value("mcpist_sessions_total", event="lost")]
    assert counted == [0, 0]


async def test_deleted_it_is_gone_and_all_of_it_is_counted() -> None:
    rig = GatewayRig(settings=MEMORY)
    session = await rig.opened()
    assert rig.value("mcpist_sessions_open") == 1
    assert (await rig.beside("DELETE", mcp_session_id=session)).status == 200
    for _ in range(2):
        assert refusal(await rig.post(RUN, mcp_session_id=session)) == (404, -32001)
    assert refusal(await rig.beside("DELETE", mcp_session_id=session)) == (404, -32001)
    counts = {
        event: rig.value("mcpist_sessions_total", event=event) for event in ("opened", "closed", "lost")
    }
    assert (counts, rig.value("mcpist_sessions_open")) == ({"opened": 1, "closed": 1, "lost": 1}, 0)


@pytest.mark.parametrize(("settings", "status"), [(MEMORY, 404), (SHARED, 200)])
async def test_another_origin_knows_shared_sessions_alone(settings: dict[str, Any], status: int) -> None:
    table = SessionTable()
    one, other = GatewayRig(settings=settings, table=table), GatewayRig(settings=settings, table=table)
    session = await one.opened()
    assert (await other.post(RUN, mcp_session_id=session)).status == status


async def test_a_shared_session_that_the_other_origin_closed_is_gone_here_too() -> None:
    table = SessionTable()
    one, other = GatewayRig(settings=SHARED, table=table), GatewayRig(settings=SHARED, table=table)
    session = await one.opened()
    assert (await one.post(RUN, mcp_session_id=session)).status == 200
    assert (await other.beside("DELETE", mcp_session_id=session)).status == 200
    assert refusal(await one.post(RUN, mcp_session_id=session)) == (404, -32001)


@pytest.mark.parametrize(("settings", "status"), [(MEMORY, 404), (SHARED, 200)])
async def test_a_start_forgets_what_only_memory_held(settings: dict[str, Any], status: int) -> None:
    rig = GatewayRig(settings=settings)
    session = await rig.opened()
    rig.sessions.clear()
    assert (await rig.post(RUN, mcp_session_id=session)).status == status


async def left_alone(rig: GatewayRig) -> Stall:
    """What a call in a session waits for, whose caller has left."""
    stall, session = Stall(rig), await rig.opened()
    caller = asyncio.create_task(rig.post(RUN, mcp_session_id=session))
    await stall.began.wait()
    caller.cancel()
    await settled()
    return stall


async def test_in_a_session_a_call_outlives_its_caller() -> None:
    rig = GatewayRig(settings=MEMORY)
    stall = await left_alone(rig)
    assert not stall.ended.is_set()
    assert rig.value("mcpist_caller_left_total", call="went-on") == 1
    assert (rig.value("mcpist_caller_left_seconds_total") or 0) > 0
    (call,) = rig.went_on
    stall.go.set()
    assert said(await call)["result"]["content"][0]["text"] == "late"


async def test_a_call_that_went_on_and_ends_with_its_session_is_counted_once() -> None:
    rig = GatewayRig(settings=MEMORY)
    stall = await left_alone(rig)
    rig.sessions.clear()
    await settled()
    assert stall.ended.is_set()
    assert [rig.value("mcpist_caller_left_total", call=call) for call in ("went-on", "stopped")] == [1, 0]


async def test_without_sessions_a_caller_that_leaves_stops_its_call() -> None:
    rig = GatewayRig()
    stall = Stall(rig)
    caller = asyncio.create_task(rig.post(RUN))
    await stall.began.wait()
    caller.cancel()
    await settled()
    assert (stall.ended.is_set(), rig.went_on) == (True, [])
    assert rig.value("mcpist_caller_left_total", call="stopped") == 1


async def test_a_cancel_notice_stops_the_call_of_its_session_alone() -> None:
    rig = GatewayRig(settings=MEMORY)
    stall, session, other = Stall(rig), await rig.opened(), await rig.opened()
    caller = asyncio.create_task(rig.post(RUN, mcp_session_id=session))
    await stall.began.wait()
    assert (await rig.post(CANCEL, mcp_session_id=other)).status == 202
    await settled()
    assert not stall.ended.is_set()
    assert (await rig.post(CANCEL, mcp_session_id=session)).status == 202
    assert refusal(await caller) == (200, -32800)
    assert stall.ended.is_set()
    assert (await rig.post(CANCEL, mcp_session_id=session)).status == 202


async def test_a_session_that_ends_takes_its_calls_and_streams_along() -> None:
    rig = GatewayRig(settings=MEMORY)
    stall, session = Stall(rig), await rig.opened()
    caller = asyncio.create_task(rig.post(RUN, mcp_session_id=session))
    stream: Any = await rig.beside("GET", mcp_session_id=session)
    await stall.began.wait()
    await rig.beside("DELETE", mcp_session_id=session)
    assert refusal(await caller) == (200, -32800)
    assert [chunk async for chunk in stream.chunks] == [b"id: 1\nretry: 3000\ndata: \n\n"]


async def test_streams_need_a_session_and_are_counted_while_they_stand() -> None:
    rig = GatewayRig(settings={"mcp": {"sessions": "memory", "keep_alive": 1e-6}})
    session = await rig.opened()
    assert refusal(await rig.beside("GET")) == (400, -32000)
    stream: Any = await rig.beside("GET", mcp_session_id=session)
    assert [await anext(stream.chunks), await anext(stream.chunks)][1] == b": keep-alive\n\n"
    assert rig.value("mcpist_streams_open", kind="get") == 1
    await stream.chunks.aclose()
    await stream.chunks.aclose()
    assert rig.value("mcpist_streams_open", kind="get") == 0
    assert rig.value("mcpist_streams_total", kind="get") == 1


@pytest.mark.parametrize(
    ("origin", "status"),
    [("http://localhost:3000", 200), ("http://127.0.0.1", 200), ("http://[::1]:8", 200),
     ("http://a.example", 403), ("null", 403), ("http://[", 403)],
)  # fmt: skip
async def test_an_origin_is_checked_where_one_is_sent(origin: str, status: int) -> None:
    reply = await GatewayRig().ask(RUN, origin=origin)
    assert isinstance(reply, Reply)
    assert reply.status == status


@pytest.mark.parametrize(
    ("wanted", "given"),
    [("2025-03-26", "2025-03-26"), ("2026-07-28", "2025-11-25"), ("1999", "2025-11-25"), (5, "2025-11-25")],
)
async def test_initialize_gives_a_version_that_is_served(wanted: object, given: str) -> None:
    reply = await GatewayRig().post({"method": "initialize", "params": {"protocolVersion": wanted}})
    assert said(reply)["result"]["protocolVersion"] == given


@pytest.mark.parametrize(("wanted", "gone"), [(True, False), ("1", False), (1.0, True), (1, True)])
async def test_a_call_is_cancelled_by_its_own_id_alone(wanted: object, gone: bool) -> None:
    session = Session("s", "u")
    call: asyncio.Task[Reply] = asyncio.create_task(asyncio.sleep(60, Reply(200, [], b"")))
    session.begin(1, call)
    session.cancel_call(wanted)
    await settled()
    assert call.cancelled() is gone
    call.cancel()
