from __future__ import annotations

import json
from typing import Any

import pytest

from fakes.edge_runtime.isolate import EdgeCall
from fakes.http.asgi import Reply
from fakes.protections.name_limit import NameLimit
from tests.support.edge_rig import EdgeRig, drive, reason

COMPARED = {"protections": {"name-limit": {"compare": 1}}}


def body(name: str) -> bytes:
    params = {"name": name, "arguments": {}}
    return json.dumps({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params}).encode()


class Caller:
    """Calls through the layer."""

    def __init__(
        self, settings: dict[str, Any] | None = None, protections: tuple[str, ...] = ("name-limit",)
    ):
        self.rig = EdgeRig(settings, protections)
        self.app = self.rig.layer(NameLimit)

    async def call(self, name: str, said: str | None = None, user: str = "u") -> Reply:
        """A call of the tool `name`, whose header says `said`: None: there is none."""
        headers = {} if said is None else {b"mcp-name": said.encode()}
        call = EdgeCall(self.rig.snapshot, headers, "1.1.1.1", user)
        scope = {"type": "http", "headers": list(headers.items()), "state": {"call": call}}
        return await drive(self.app, scope, body(name))

    async def statuses(self, count: int, name: str, said: str | None = None, user: str = "u") -> list[int]:
        return [(await self.call(name, said, user)).status for _ in range(count)]


async def test_five_a_second_of_one_user_to_one_name() -> None:
    caller = Caller()
    assert await caller.statuses(6, "slow", "slow") == [200] * 5 + [429]
    assert await caller.statuses(1, "fast", "fast") == [200]
    assert await caller.statuses(1, "slow", "slow", "other") == [200]
    refused = await caller.call("slow", "slow")
    assert (reason(refused), caller.rig.value("mcpist_rate_limit_hits_total", limit="name-limit")) == (
        "name_limit_exceeded",
        2,
    )
    assert (b"retry-after", b"1") in refused.headers
    caller.rig.clock.now += 1
    assert await caller.statuses(1, "slow", "slow") == [200]


async def test_off_it_counts_nothing() -> None:
    assert await Caller(protections=()).statuses(9, "slow", "slow") == [200] * 9


async def test_the_header_alone_is_believed() -> None:
    caller = Caller()
    await caller.statuses(5, "slow", "slow")
    assert await caller.statuses(3, "slow", "fast") == [200] * 3
    assert await caller.statuses(9, "slow") == [200] * 9


async def test_compared_a_lie_is_refused_and_a_missing_header_evades_nothing() -> None:
    caller = Caller(COMPARED)
    lie = await caller.call("slow", "fast")
    assert (lie.status, json.loads(lie.body)["error"]["code"], json.loads(lie.body)["id"]) == (400, -32020, 7)
    assert await caller.statuses(6, "slow") == [200] * 5 + [429]
    assert await caller.statuses(1, "slow", "slow") == [429]


@pytest.mark.parametrize("raw", [b"", b"{", b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}'])
async def test_compared_what_calls_no_tool_passes(raw: bytes) -> None:
    caller = Caller(COMPARED)
    call = EdgeCall(caller.rig.snapshot, {}, "1.1.1.1", "u")
    reply = await drive(caller.app, {"type": "http", "headers": [], "state": {"call": call}}, raw)
    assert reply.status == 200
