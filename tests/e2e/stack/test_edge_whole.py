"""The whole edge on real sockets, with two origins and an issuer made by the test."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator
from typing import Any

import jwt
import msgspec
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from fakes.control.process_config import StackConfig
from fakes.edge.edge import Edge
from fakes.http import control_endpoint
from fakes.http.asgi import Headers, Receive, Reply, Scope, Send, StreamReply, send_reply, whole_body
from fakes.http.hop import Hop, HopReset
from fakes.http.server import HttpServer
from tests.support.streaming_origin import Streaming

pytestmark = pytest.mark.e2e
KEY = Ed25519PrivateKey.generate()
JWKS = {"keys": [{**json.loads(OKPAlgorithm.to_jwk(KEY.public_key())), "kid": "k", "alg": "EdDSA"}]}
CALL = b'{"jsonrpc":"2.0","id":"seven","method":"tools/list"}'


def token() -> str:
    """Good for ten minutes from now, however long the tests before it took."""
    return jwt.encode({"sub": "ann", "iss": "us", "exp": time.time() + 600}, KEY, "EdDSA", {"kid": "k"})


class Origin:
    """Echoes what it got; `hold` keeps calls back."""

    def __init__(self) -> None:
        self.hold = asyncio.Event()
        self.hold.set()
        self.seen: list[dict[bytes, bytes]] = []
        self.left = asyncio.Event()
        self.came = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/jwks":
            return await send_reply(send, Reply(200, [], json.dumps(JWKS).encode()))
        self.seen.append({**dict(scope["headers"]), b":path": scope["path"].encode()})
        self.came.set()
        try:
            await self.hold.wait()
        except asyncio.CancelledError:
            self.left.set()
            raise
        body = await whole_body(scope, receive)
        return await send_reply(send, Reply(200, [(b"x-instance-id", b"one")], b"got " + body))


class Stack:
    async def start(self) -> None:
        self.servers: list[asyncio.Server] = []
        self.kept: list[HttpServer] = []
        self.a, self.b = Origin(), Origin()
        addresses = {"origin-a": await self.listen(self.a), "origin-b": await self.listen(self.b)}
        self.config = StackConfig.model_validate(
            {
                "control_token": "secret",
                "gateway_secret": "between us",
                "issuer": "us",
                "addresses": addresses,
                "jwks_url": f"http://127.0.0.1:{addresses['origin-a'][1]}/jwks",
                "protections": ["worker-cpu", "ip-limit", "jwks-cache", "burst-limit"],
                "settings": {"edge": {"burst_window": 3600.0, "ip_window": 1e6, "cpu_budget": 60.0}},
            }
        )
        self.edge = Edge(self.config)
        doors = control_endpoint.with_control_endpoint(
            self.edge, self.edge.control, self.edge.metrics, self.config, self.edge.state
        )
        self.hop = Hop(*await self.listen(doors))

    async def listen(self, app: Any) -> tuple[str, int]:
        sock = socket.create_server(("127.0.0.1", 0))
        self.kept.append(HttpServer(app))
        self.servers.append(await self.kept[-1].listen(sock))
        host, port = sock.getsockname()
        return host, port

    async def stop(self) -> None:
        self.hop.close()
        self.edge.close()
        for kept, server in zip(self.kept, self.servers, strict=True):
            server.close()
            kept.break_off()
            await server.wait_closed()
        await asyncio.sleep(0.01)  # transports close on the loop's next turns

    async def call(self, *headers: tuple[bytes, bytes], path: bytes = b"/v1/mcp") -> Reply:
        bearer = (b"authorization", b"Bearer " + token().encode())
        return await self.hop.request(b"POST", path, [bearer, *headers], CALL, 20.0)

    async def control(self, command: bytes, body: object = None, token: bytes = b"secret") -> tuple[int, Any]:
        headers: Headers = [(b"x-control-token", token)]
        reply = await self.hop.request(
            b"POST", b"/_control/" + command, headers, json.dumps(body or {}).encode(), 20.0
        )
        return reply.status, msgspec.json.decode(reply.body)


@pytest_asyncio.fixture
async def stack() -> AsyncIterator[Stack]:
    made = Stack()
    await made.start()
    yield made
    await made.stop()


async def test_a_call_reaches_the_origin_with_what_the_edge_knows_and_nothing_forged(stack: Stack) -> None:
    forged = [(b"x-user-id", b"root"), (b"x-user-tier", b"unlimited"), (b"x-gateway-secret", b"guess")]
    reply = await stack.call(*forged, (b"mcp-session-id", b"s"), path=b"/v1/mcp?a=1")
    assert (reply.status, reply.body) == (200, b"got " + CALL)
    assert (b"x-backend", b"origin-a") in reply.headers
    seen = stack.a.seen[0]
    assert (seen[b"x-user-id"], seen[b"x-gateway-secret"], seen[b"mcp-session-id"]) == (
        b"ann",
        b"between us",
        b"s",
    )
    assert seen[b"x-request-id"]
    assert not {b"authorization", b"x-user-tier"} & set(seen)


async def test_a_clients_request_id_is_kept(stack: Stack) -> None:
    await stack.call((b"x-request-id", b"mine"))
    assert stack.a.seen[0][b"x-request-id"] == b"mine"


async def test_refusals_never_reach_an_origin_and_name_the_calls_id(stack: Stack) -> None:
    reply = await stack.hop.request(b"POST", b"/v1/mcp", [], CALL, 20.0)
    assert msgspec.json.decode(reply.body)["id"] == "seven"
    for _ in range(6):
        reply = await stack.call()
    assert (reply.status, len(stack.a.seen)) == (429, 5)


async def test_health_passes_through_without_a_token(stack: Stack) -> None:
    reply = await stack.hop.request(b"GET", b"/health", timeout=20.0)
    assert (reply.status, stack.a.seen[0][b":path"]) == (200, b"/health")


async def test_protections_are_swapped_for_calls_to_come(stack: Stack) -> None:
    status, state = await stack.control(b"protections", {"names": []})
    assert (status, state["protections"]) == (200, [])
    assert [(await stack.call()).status for _ in range(10)] == [200] * 10


async def test_settings_are_merged_and_bad_ones_change_nothing(stack: Stack) -> None:
    status, state = await stack.control(b"settings", {"edge": {"burst_per_s": 2}})
    assert (status, state["settings"]["edge"]["burst_window"]) == (200, 3600.0)
    assert [(await stack.call()).status for _ in range(3)] == [200, 200, 429]
    parts: list[dict[str, Any]] = [{"edge": {"burst_per_s": 0}}, {"edgy": {}}, {"edge": 1}]
    for bad in parts:
        status, answer = await stack.control(b"settings", bad)
        assert (status, "\n" in answer["error"]) == (400, False)
    assert stack.edge.control.snapshot.settings.edge.burst_per_s == 2


async def test_reset_forgets_windows_counters_and_the_quota_used(stack: Stack) -> None:
    for _ in range(6):
        await stack.call()
    _, state = await stack.control(b"reset")
    assert state["kv"] == {"get": 0, "put": 0, "writes": 0, "keys": 0}
    assert (await stack.call()).status == 200
    text = (await stack.hop.request(b"GET", b"/metrics", timeout=20.0)).body
    assert b'mcpist_requests_total{method="POST",path="/v1/mcp",status="200"} 1.0' in text
    assert b'status="429"} 0.0' in text


@pytest.mark.parametrize("command", [b"faults", b"protections"])
async def test_unknown_names_are_refused_in_one_line(stack: Stack, command: bytes) -> None:
    status, answer = await stack.control(command, {"names": ["x"], "faults": [{"fault": "x"}]})
    assert (status, "allowed" in answer["error"], "\n" in answer["error"]) == (400, True, False)


async def test_control_needs_its_token(stack: Stack) -> None:
    status, _ = await stack.control(b"protections", {"names": []}, token=b"guess")
    assert status == 403
    assert stack.edge.control.snapshot.protections


async def test_an_origin_that_does_not_answer_in_time(stack: Stack) -> None:
    await stack.control(b"settings", {"edge": {"forward_timeout": 0.05}})
    stack.a.hold.clear()
    reply = await stack.call()
    assert reply.status == 504
    assert msgspec.json.decode(reply.body)["error"]["data"]["reason"] == "gateway_timeout"
    await stack.a.left.wait()


async def test_a_client_that_leaves_ends_its_call_at_the_origin(stack: Stack) -> None:
    stack.a.hold.clear()
    call = asyncio.create_task(stack.call())
    await stack.a.came.wait()
    call.cancel()
    await stack.a.left.wait()
    while stack.edge.metrics.in_flight:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    text = stack.edge.metrics.text()
    assert b'status="499"} 1.0' in text


async def test_each_of_several_isolates_counts_for_itself(stack: Stack) -> None:
    await stack.control(b"settings", {"edge": {"isolates": 3, "burst_strategy": "memory-cache"}})
    statuses = [(await stack.call()).status for _ in range(90)]
    assert statuses.count(200) == 15
    await stack.control(b"settings", {"edge": {"isolates": 2}})
    assert {(await stack.call()).status for _ in range(10)} == {429}  # those that stay keep their memory
    await stack.control(b"settings", {"edge": {"isolates": 1}})
    assert (await stack.call()).status == 200  # the one in front begins empty


@pytest_asyncio.fixture
async def streaming(stack: Stack) -> Streaming:
    origin = Streaming()
    stack.edge.balancer.hops = {"origin-a": Hop(*await stack.listen(origin)), "origin-b": stack.hop}
    return origin


async def stream(stack: Stack, streaming: Streaming) -> StreamReply:
    """A stream of which the first event has come."""
    bearer = (b"authorization", b"Bearer " + token().encode())
    streaming.chunks.put_nowait(b"data: 1\n\n")
    reply = await stack.hop.exchange(b"POST", b"/v1/mcp", [bearer], CALL, 20.0)
    assert isinstance(reply, StreamReply)
    assert (b"x-backend", b"origin-a") in reply.headers
    assert await anext(reply.chunks) == b"data: 1\n\n"
    return reply


async def test_a_stream_goes_through_as_it_comes(stack: Stack, streaming: Streaming) -> None:
    reply = await stream(stack, streaming)
    streaming.chunks.put_nowait(b": still here\n\n")
    assert await anext(reply.chunks) == b": still here\n\n"
    streaming.chunks.put_nowait(b"")
    assert [chunk async for chunk in reply.chunks] == []


async def test_who_leaves_a_stream_ends_it_at_the_origin(stack: Stack, streaming: Streaming) -> None:
    reply = await stream(stack, streaming)
    await reply.chunks.aclose()
    async with asyncio.timeout(20):
        await streaming.left.wait()


async def test_a_stream_that_breaks_is_broken_off(stack: Stack, streaming: Streaming) -> None:
    reply = await stream(stack, streaming)
    streaming.abort()
    with pytest.raises(HopReset):
        await anext(reply.chunks)


async def test_a_route_by_name_is_taken_and_left_when_its_origin_is_dead(stack: Stack) -> None:
    await stack.control(b"protections", {"names": []})
    await stack.control(b"settings", {"edge": {"name_routes": {"search": "origin-b"}}})
    for name, backend in ((b"search", b"origin-b"), (b"other", b"origin-a")):
        reply = await stack.call((b"mcp-name", name))
        assert (b"x-backend", backend) in reply.headers
    stack.edge.balancer.lb.origins["origin-b"].health = "dead"
    assert (b"x-backend", b"origin-a") in (await stack.call((b"mcp-name", b"search"))).headers


async def test_eras_are_counted_where_that_is_on(stack: Stack) -> None:
    await stack.call((b"mcp-protocol-version", b"2026-07-28"))
    await stack.control(b"settings", {"edge": {"count_eras": True}})
    await stack.call((b"mcp-protocol-version", b"2026-07-28"), (b"mcp-name", b"x" * 100))
    await stack.call()
    value = stack.edge.metrics.registry.get_sample_value
    assert value("mcpist_era_requests_total", {"era": "modern"}) == 1
    assert value("mcpist_era_requests_total", {"era": "legacy"}) == 1
    modern, legacy = (value("mcpist_era_request_bytes_total", {"era": era}) for era in ("modern", "legacy"))
    assert modern is not None
    assert legacy is not None
    assert modern - legacy > 100
    assert (value("mcpist_era_cpu_seconds_total", {"era": "legacy"}) or 0) > 0
