"""Both eras at an origin as a process: streams that occupy it, and calls whose callers leave."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from fakes.http.asgi import Headers, Reply, StreamReply
from tests.support.origin_rig import OriginRig, rig, until

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("origin")]
SETTINGS: dict[str, Any] = {
    "upstreams": {"slow": {"wait": {"mean": 2.0}}, "fast": {"echo": {"mean": 0.01}}},
    "mcp": {"sessions": "memory", "sse": 1, "progress": 0.05, "keep_alive": 0.1},
}
SLOW = {"name": "run", "arguments": {"module": "slow", "tool": "wait"}, "_meta": {"progressToken": 1}}
MODERN = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}


@pytest_asyncio.fixture
async def made(origin: str) -> AsyncIterator[OriginRig]:
    async with rig(settings=SETTINGS) as started:
        yield started


def headers(made: OriginRig, **more: str) -> Headers:
    said = {"x-gateway-secret": made.identity.gateway_secret, "x-user-id": "u", "accept": "text/event-stream"}
    said |= {name.replace("_", "-"): value for name, value in more.items()}
    return [(name.encode(), value.encode()) for name, value in said.items()]


async def ask(made: OriginRig, method: str, body: dict[str, Any] | None = None, **more: str) -> Any:
    raw = b"" if body is None else json.dumps({"jsonrpc": "2.0", "id": 7, **body}).encode()
    return await made.hops["origin-a"].exchange(method.encode(), b"/v1/mcp", headers(made, **more), raw, 20)


async def session(made: OriginRig) -> str:
    reply: Reply = await ask(made, "POST", {"method": "initialize", "params": {}})
    return dict(reply.headers)[b"mcp-session-id"].decode()


async def modern(made: OriginRig, method: str, params: dict[str, Any]) -> Any:
    whole = {**params, "_meta": {**MODERN, **params.get("_meta", {})}}
    said = {"mcp_protocol_version": "2026-07-28", "mcp_method": method}
    said |= {"mcp_name": params["name"]} if "name" in params else {}
    return await ask(made, "POST", {"method": method, "params": whole}, **said)


async def is_value(made: OriginRig, name: str, sample: str, wanted: float) -> None:
    async def reached() -> bool:
        return await made.metric(name, sample) == wanted

    await until(reached)


async def occupied(made: OriginRig, origin: str, goroutines: float) -> None:
    """What the model says; a real connection has its goroutines from its beginning to its end."""
    if origin == "fakes":
        await is_value(made, "origin-a", "mcpist_goroutines", goroutines)


@pytest.mark.parametrize("kind", ["get", "listen"])
async def test_a_standing_stream_occupies_the_instance(made: OriginRig, kind: str, origin: str) -> None:
    empty = await made.metric("origin-a", "mcpist_goroutines")
    if kind == "get":
        reply = await ask(made, "GET", mcp_session_id=await session(made))
    else:
        reply = await modern(made, "subscriptions/listen", {"notifications": {}})
    assert isinstance(reply, StreamReply)
    assert (await anext(reply.chunks))[:3] in (b"id:", b"eve")
    assert await anext(reply.chunks) == b": keep-alive\n\n"
    assert await made.metric("origin-a", f'mcpist_streams_open{{kind="{kind}"}}') == 1
    await occupied(made, origin, empty + 2)
    await reply.chunks.aclose()
    await is_value(made, "origin-a", f'mcpist_streams_open{{kind="{kind}"}}', 0)
    await occupied(made, origin, empty)


async def test_leaving_stops_the_upstream_in_the_modern_era(made: OriginRig) -> None:
    reply = await modern(made, "tools/call", SLOW)
    await anext(reply.chunks)
    await is_value(made, "upstream", 'mcpist_upstream_in_flight{upstream="slow"}', 1)
    await reply.chunks.aclose()
    ended = 'mcpist_upstream_requests_total{status="499",tool="wait",upstream="slow"}'
    await is_value(made, "upstream", ended, 1)
    await is_value(made, "origin-a", 'mcpist_caller_left_total{call="stopped"}', 1)


@pytest.mark.parametrize("streamed", [True, False])
async def test_leaving_stops_nothing_in_a_session(made: OriginRig, streamed: bool, origin: str) -> None:
    empty = await made.metric("origin-a", "mcpist_goroutines")
    body = {"method": "tools/call", "params": SLOW if streamed else {**SLOW, "_meta": {}}}
    caller = asyncio.create_task(ask(made, "POST", body, mcp_session_id=await session(made)))
    await is_value(made, "upstream", 'mcpist_upstream_in_flight{upstream="slow"}', 1)
    if streamed:
        await (await caller).chunks.aclose()
    else:
        caller.cancel()
    await is_value(made, "origin-a", 'mcpist_caller_left_total{call="went-on"}', 1)
    await occupied(made, origin, empty + 2)
    ended = 'mcpist_upstream_requests_total{status="200",tool="wait",upstream="slow"}'
    await is_value(made, "upstream", ended, 1)
    await occupied(made, origin, empty)


async def test_sessions_are_shared_by_the_database_and_lost_with_memory() -> None:
    names = ("upstream", "origin-a", "origin-b")
    async with rig(settings=SETTINGS, names=names) as made:
        for kept, status in (("memory", 404), ("shared", 200)):
            for name in ("origin-a", "origin-b"):
                await made.control(name, "settings", {"mcp": {"sessions": kept}})
            known = await session(made)
            assert (await made.run(mcp_session_id=known)).status == 200
            assert (await made.run(name="origin-b", mcp_session_id=known)).status == status
        assert await made.metric("origin-b", 'mcpist_sessions_total{event="lost"}') == 1
        assert await made.metric("origin-a", 'mcpist_sessions_total{event="opened"}') == 2
