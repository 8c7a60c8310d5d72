from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import pytest

from fakes.http import mcp_headers
from fakes.http.asgi import StreamReply
from fakes.origin.eras import CAPABILITIES_KEY, MODERN_VERSION, VERSION_KEY, VERSIONS
from tests.support.gateway_rig import RUN, GatewayRig, refusal, said
from tests.unit.fakes.origin.test_sessions import Stall, settled

CALL: dict[str, Any] = {**RUN["params"]}
PARAM = {"mcp": {"tools": {"find": {"module": "fast", "tool": "echo", "headers": {"region": "Region"}}}}}
SSE = {"accept": "application/json, text/event-stream"}
NAMED = {"mcp": {"tools": {
    "écho": {"module": "fast", "tool": "echo"},
    "sampler": {"module": "fast", "tool": "echo", "requires": ["sampling"]},
    "asker": {"module": "fast", "tool": "echo", "asks": "answer"},
}}}  # fmt: skip


async def test_a_modern_call_needs_no_session_and_says_that_it_is_complete() -> None:
    rig = GatewayRig(settings={"mcp": {"sessions": "memory"}})
    reply = await rig.modern("tools/call", CALL, mcp_session_id="long gone")
    result = said(reply)["result"]
    assert (reply.status, result["resultType"], result["isError"]) == (200, "complete", False)


async def test_a_legacy_result_has_no_type() -> None:
    assert "resultType" not in said(await GatewayRig().post(RUN))["result"]


@pytest.mark.parametrize("method", ["initialize", "ping", "logging/setLevel", "nope"])
async def test_unknown_methods_are_404(method: str) -> None:
    assert refusal(await GatewayRig().modern(method)) == (404, -32601)


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_the_modern_era_has_post_alone(method: str) -> None:
    rig = GatewayRig(settings={"mcp": {"sessions": "memory"}})
    reply = await rig.beside(method, mcp_protocol_version=MODERN_VERSION, mcp_session_id=await rig.opened())
    assert reply.status == 405


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"mcp_protocol_version": ""}, -32020),
        ({"mcp_protocol_version": "2025-11-25"}, -32020),
        ({"mcp_method": ""}, -32020),
        ({"mcp_method": "TOOLS/CALL"}, -32020),
        ({"mcp_name": ""}, -32020),
        ({"mcp_name": "batch"}, -32020),
        ({"mcp_name": "=?base64?!?="}, -32020),
    ],
)
async def test_headers_say_what_the_body_says(headers: dict[str, str], code: int) -> None:
    rig = GatewayRig()
    assert refusal(await rig.modern("tools/call", CALL, **headers)) == (400, code)
    assert rig.contexts == []


@pytest.mark.parametrize("header", ["mcp_protocol_version", "mcp_method", "mcp_name", "mcp_param_region"])
@pytest.mark.parametrize("lines", ["{0}\nother", "other\n{0}", "{0}\n{0}"])
async def test_a_header_in_two_lines_says_nothing(header: str, lines: str) -> None:
    rig = GatewayRig(settings=PARAM)
    said = {"mcp_protocol_version": MODERN_VERSION, "mcp_method": "tools/call", "mcp_name": "find"}
    said["mcp_param_region"] = "eu"
    call = {"name": "find", "arguments": {"region": "eu"}}
    assert (await rig.modern("tools/call", call, **said)).status == 200
    twice = {**said, header: lines.format(said[header])}
    assert refusal(await rig.modern("tools/call", call, **twice)) == (400, -32020)


async def test_a_legacy_version_in_two_lines_is_no_legacy_one() -> None:
    reply = await GatewayRig().post(RUN, mcp_protocol_version="2025-11-25\n2025-11-25")
    assert refusal(reply) == (400, -32602)


async def test_of_a_header_that_is_none_of_the_protocols_the_last_line_counts() -> None:
    rig = GatewayRig()
    assert (await rig.post(RUN, x_request_id="first\nlast")).status == 200
    assert rig.contexts[0][1] == "last"


async def test_without_the_comparison_a_name_may_lie_but_not_the_version() -> None:
    rig = GatewayRig(settings={"mcp": {"compare_headers": False}})
    assert (await rig.modern("tools/call", CALL, mcp_name="batch", mcp_method="")).status == 200
    assert refusal(await rig.modern("tools/call", CALL, mcp_protocol_version="")) == (400, -32020)


@pytest.mark.parametrize(
    ("arguments", "told", "status"),
    [
        ({"region": "eu"}, "eu", 200),
        ({"region": "eu"}, "=?base64?ZXU=?=", 200),
        ({"region": "eu"}, "=?base64?ZXU?=", 400),
        ({"region": "eu"}, "us", 400),
        ({"region": "eu"}, "", 400),
        ({"region": True}, "true", 200),
        ({}, "", 200),
        ({}, "eu", 400),
    ],
)
async def test_a_parameter_and_its_header_agree(arguments: dict[str, Any], told: str, status: int) -> None:
    rig = GatewayRig(settings=PARAM)
    reply = await rig.modern("tools/call", {"name": "find", "arguments": arguments}, mcp_param_region=told)
    assert reply.status == status
    assert status == 200 or refusal(reply) == (400, -32020)


async def test_a_schema_names_the_header_of_its_parameter() -> None:
    listed = said(await GatewayRig(settings=PARAM).modern("tools/list"))["result"]["tools"][0]
    assert listed["inputSchema"]["properties"] == {"region": {"type": "string", "x-mcp-header": "Region"}}


async def test_a_version_that_is_not_served_is_told_which_are() -> None:
    reply = await GatewayRig().modern(
        "tools/list", {"_meta": {VERSION_KEY: "v999"}}, mcp_protocol_version="v999"
    )
    assert refusal(reply) == (400, -32022)
    assert said(reply)["error"]["data"] == {"supported": list(VERSIONS), "requested": "v999"}


@pytest.mark.parametrize(
    "meta",
    [None, {}, {VERSION_KEY: MODERN_VERSION}, {CAPABILITIES_KEY: {}}, [],
     {VERSION_KEY: None, CAPABILITIES_KEY: {}}],
)  # fmt: skip
async def test_meta_is_required(meta: Any) -> None:
    params = {} if meta is None else {"_meta": meta}
    body = {"method": "server/discover", "params": params}
    reply = await GatewayRig().ask(body, mcp_protocol_version=MODERN_VERSION, mcp_method="server/discover")
    assert refusal(reply) == (400, -32602)


async def test_a_notification_needs_no_meta() -> None:
    body = {"id": None, "method": "notifications/cancelled", "params": {"requestId": 1}}
    headers = {"mcp_protocol_version": MODERN_VERSION, "mcp_method": "notifications/cancelled"}
    assert (await GatewayRig().ask(body, **headers)).status == 202


async def test_discovery_names_versions_and_identity_and_may_be_cached() -> None:
    result = said(await GatewayRig(settings={"mcp": {"ttl": 2.5}}).modern("server/discover"))["result"]
    assert result["supportedVersions"] == list(VERSIONS)
    assert result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"] == "mcpist"
    assert (result["ttlMs"], result["cacheScope"], "tools" in result["capabilities"]) == (
        2500,
        "public",
        True,
    )


async def test_only_modern_lists_may_be_cached() -> None:
    rig = GatewayRig()
    assert said(await rig.modern("tools/list"))["result"]["ttlMs"] == 60000
    assert "ttlMs" not in said(await rig.post({"method": "tools/list"}))["result"]


async def test_named_tools_are_listed_and_called_and_their_names_encoded() -> None:
    rig = GatewayRig(settings=NAMED)
    listed = [tool["name"] for tool in said(await rig.modern("tools/list"))["result"]["tools"]]
    assert listed == ["écho", "sampler", "asker", "run", "get_module_schema", "batch"]
    encoded = f"=?base64?{base64.b64encode('écho'.encode()).decode()}?="
    reply = await rig.modern("tools/call", {"name": "écho", "arguments": {"a": 1}}, mcp_name=encoded)
    assert said(reply)["result"]["content"][0]["text"] == "pong"
    refused = await rig.post({"method": "tools/call", "params": {"name": "other"}})
    assert said(refused)["error"]["code"] == -32602


async def test_a_missing_capability_is_named() -> None:
    rig = GatewayRig(settings=NAMED)
    reply = await rig.modern("tools/call", {"name": "sampler"})
    assert refusal(reply) == (400, -32021)
    assert said(reply)["error"]["data"] == {"requiredCapabilities": {"sampling": {}}}
    able = {"name": "sampler", "_meta": {CAPABILITIES_KEY: {"sampling": {}}}}
    assert (await rig.modern("tools/call", able)).status == 200


async def test_a_tool_that_asks_is_answered_by_asking_again() -> None:
    rig = GatewayRig(settings=NAMED)
    able: dict[str, Any] = {"name": "asker", "_meta": {CAPABILITIES_KEY: {"elicitation": {}}}}
    asked = said(await rig.modern("tools/call", able))["result"]
    assert (asked["resultType"], list(asked["inputRequests"])) == ("input_required", ["answer"])
    assert rig.contexts == []
    unanswered = {**able, "inputResponses": {"other": {}}}
    assert said(await rig.modern("tools/call", unanswered))["result"]["resultType"] == "input_required"
    answered = {**able, "inputResponses": {"answer": {"action": "accept", "content": {"answer": "yes"}}}}
    assert said(await rig.modern("tools/call", answered))["result"]["resultType"] == "complete"


async def test_listening_is_acknowledged_under_its_own_id() -> None:
    rig = GatewayRig()
    reply = await rig.modern("subscriptions/listen", {"notifications": {"toolsListChanged": True}})
    assert isinstance(reply, StreamReply)
    first = json.loads((await anext(reply.chunks)).partition(b"data: ")[2])
    assert first["method"] == "notifications/subscriptions/acknowledged"
    assert first["params"]["_meta"] == {"io.modelcontextprotocol/subscriptionId": "7"}
    assert rig.value("mcpist_streams_open", kind="listen") == 1
    await reply.chunks.aclose()
    assert rig.value("mcpist_streams_open", kind="listen") == 0


async def messages(reply: Any) -> list[dict[str, Any]]:
    return [json.loads(chunk.partition(b"data: ")[2]) async for chunk in reply.chunks]


WITH_TOKEN = {**CALL, "_meta": {"progressToken": "p"}}


async def test_progress_comes_before_the_answer_where_a_stream_and_a_token_are_given() -> None:
    rig = GatewayRig(settings={"mcp": {"sse": 1, "progress": 1e-6}})
    stall = Stall(rig)
    asyncio.get_running_loop().call_later(0.001, stall.go.set)
    told = await messages(await rig.modern("tools/call", WITH_TOKEN, **SSE))
    *progress, answer = told
    assert len(progress) >= 2
    assert [one["params"] for one in progress[:2]] == [
        {"progressToken": "p", "progress": 0},
        {"progressToken": "p", "progress": 1},
    ]
    assert answer["result"]["content"][0]["text"] == "late"


async def test_without_a_token_a_stream_is_one_event() -> None:
    reply = await GatewayRig(settings={"mcp": {"sse": 1}}).modern("tools/call", CALL, **SSE)
    assert dict(reply.headers)[b"content-type"] == b"text/event-stream"
    assert not isinstance(reply, StreamReply)


async def test_a_share_of_the_answers_are_streams() -> None:
    rig = GatewayRig(settings={"mcp": {"sse": 0.3}})
    kinds = [dict((await rig.ask(RUN, **SSE)).headers)[b"content-type"] for _ in range(1000)]
    assert 250 < kinds.count(b"text/event-stream") < 350


@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_closing_the_stream_is_a_cancel_in_the_modern_era_alone(era: str) -> None:
    rig = GatewayRig(settings={"mcp": {"sse": 1, "sessions": "memory"}})
    stall = Stall(rig)
    if era == "modern":
        reply = await rig.modern("tools/call", WITH_TOKEN, **SSE)
    else:
        body = {"method": "tools/call", "params": WITH_TOKEN}
        reply = await rig.ask(body, mcp_session_id=await rig.opened(), **SSE)
    assert isinstance(reply, StreamReply)
    await anext(reply.chunks)
    await stall.began.wait()
    await reply.chunks.aclose()
    await settled()
    assert stall.ended.is_set() is (era == "modern")
    assert len(rig.went_on) == (era == "legacy")
    stall.go.set()


@pytest.mark.parametrize(
    ("value", "name"),
    [(b"run", "run"), (b"  run ", "run"), (b"=?base64?cnVu?=", "run"), (b"\xff", None),
     (b"=?base64?/w==?=", None), (b"=?base64?cnVu", "=?base64?cnVu")],
)  # fmt: skip
def test_what_a_header_stands_for(value: bytes, name: str | None) -> None:
    assert mcp_headers.decode(value) == name
