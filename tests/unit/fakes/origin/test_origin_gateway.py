"""The gateway's path in-process: a scripted method behind the real secret, limit, deadline and wire."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from typing import Any

import pytest

from fakes.http import rpc
from fakes.http.asgi import Reply
from fakes.http.reasons import RefusedError
from fakes.origin.tool_call import CallContext, ToolCaller
from fakes.origin.tools import Command
from tests.support.gateway_rig import RUN, GatewayRig

DEEP = b"[" * 5000 + b"]" * 5000


def batch(count: int) -> dict[str, Any]:
    lines = "\n".join(json.dumps({"module": "fast", "tool": "echo"}) for _ in range(count))
    return {"method": "tools/call", "params": {"name": "batch", "arguments": {"commands": lines}}}


def header(reply: Reply, name: bytes) -> bytes | None:
    return dict(reply.headers).get(name)


def error(reply: Reply) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(reply.body)["error"]
    return found


@pytest.mark.parametrize("secret", ["", "wrong", "secret2"])
async def test_without_the_secret_nothing_is_done(secret: str) -> None:
    bench = GatewayRig()
    reply = await bench.post(RUN, x_gateway_secret=secret)
    assert (reply.status, error(reply)["data"]["reason"], bench.contexts) == (403, "bad_gateway_secret", [])
    assert json.loads(reply.body)["id"] == 7


async def test_a_call_without_a_user_is_refused() -> None:
    reply = await GatewayRig().post(RUN, x_user_id="")
    assert (reply.status, error(reply)["data"]["reason"]) == (401, "missing_token")


async def test_run_answers_text_with_the_upstreams_time() -> None:
    bench = GatewayRig()
    reply = await bench.post(RUN, x_request_id="abc")
    assert reply.status == 200
    assert json.loads(reply.body)["result"] == {
        "content": [{"type": "text", "text": "pong"}],
        "isError": False,
    }
    assert header(reply, b"server-timing") == b"upstream;dur=7.0"
    assert bench.contexts[0][1] == "abc"


async def test_requests_without_an_id_of_their_own_get_different_ones() -> None:
    bench = GatewayRig()
    await bench.post(RUN)
    await bench.post(RUN)
    assert len({request_id for _, request_id in bench.contexts}) == 2


async def test_limit_headers_stand_on_every_answer() -> None:
    bench = GatewayRig("rate-limit", settings={"origin": {"tiers": {"free": 2}}})
    shown = []
    for body in (RUN, {"method": "nope"}, RUN):
        reply = await bench.post(body, x_user_tier="free")
        shown.append(
            [
                header(reply, name)
                for name in (
                    b"x-ratelimit-limit",
                    b"x-ratelimit-remaining",
                    b"x-ratelimit-reset",
                    b"retry-after",
                )
            ]
        )
    assert shown == [[b"2", b"1", b"660", None], [b"2", b"0", b"660", None], [b"2", b"0", b"660", b"30"]]
    assert (reply.status, error(reply)["data"]) == (429, {"reason": "rate_limit_exceeded", "retry_after": 30})
    assert len(bench.contexts) == 1
    assert b'mcpist_rate_limit_hits_total{limit="rate-limit"} 1.0' in bench.metrics.text()


@pytest.mark.parametrize(
    ("protections", "tier"), [(("rate-limit",), "unlimited"), (("rate-limit",), ""), ((), "free")]
)
async def test_no_limit_is_minus_one(protections: tuple[str, ...], tier: str) -> None:
    bench = GatewayRig(*protections)
    for _ in range(100):
        reply = await bench.post(RUN, x_user_tier=tier)
    assert (reply.status, header(reply, b"x-ratelimit-limit"), header(reply, b"x-ratelimit-remaining")) == (
        200,
        b"-1",
        b"-1",
    )


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", -32700),
        (b"\xff\xfe", -32700),
        (b"[]", -32600),
        (b'{"jsonrpc":"2.0","id":7}', -32600),
        (b'{"jsonrpc":"2.0","id":7,"method":"nope"}', -32601),
        (b'{"jsonrpc":"2.0","id":7,"method":"tools/call"}', -32602),
        (b'{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"run","arguments":[]}}', -32602),
        (b'{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"run","arguments":{}}}', -32602),
        (b'{"jsonrpc":"2.0","id":7,"method":"ping","params":null}', -32600),
        (b'{"jsonrpc":null,"id":7,"method":"ping"}', -32600),
        (b'{"jsonrpc":"2.0","id":7,"METHOD":"ping"}', -32600),
        (b'{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"f","arguments":null}}', -32602),
        (b'{"jsonrpc":"2.0","id":7,"method":"ping","params":{"x":"\xff"}}', -32700),
        (b'{"jsonrpc":"2.0","id":7,"method":"ping","params":{"x":"\\ud83d"}}', -32700),
        (b'{"jsonrpc":"2.0","id":7,"method":"ping","params":{"x":1e999}}', -32600),
        (b'{"jsonrpc":"2.0","id":7,"method":"ping","params":{"x":' + DEEP + b"}}", -32700),
    ],
)
async def test_protocol_errors_are_json_rpc_errors(body: bytes, code: int) -> None:
    bench = GatewayRig()
    reply = await bench.post(body)
    assert (reply.status, error(reply)["code"], bench.contexts) == (200, code, [])


async def test_the_names_of_keys_are_exact() -> None:
    bench = GatewayRig()
    named = b'"params":{"name":"get_module_schema","arguments":{"module":"jira","MODULE":"fast"}}'
    other = b'"PARAMS":{"name":"run"},"Method":"ping"'
    reply = await bench.post(b'{"jsonrpc":"2.0","id":7,"method":"tools/call",%b,%b}' % (named, other))
    assert json.loads(json.loads(reply.body)["result"]["content"][0]["text"])["module"] == "jira"


@pytest.mark.parametrize(
    "request_id", ["1234567", "9007199254740993", "-123456789012345678901", "1.5", '"1"']
)
async def test_an_id_comes_back_as_it_was_written(request_id: str) -> None:
    body = b'{"jsonrpc":"2.0","id":%b,"method":"%b"}'
    for method, secret in ((b"ping", "secret"), (b"ping", "wrong"), (b"nope", "secret")):
        reply = await GatewayRig().post(body % (request_id.encode(), method), x_gateway_secret=secret)
        assert b'"id":%b,' % request_id.encode() in reply.body


async def test_the_other_methods() -> None:
    bench = GatewayRig(settings={"mcp": {"sessions": "memory"}})
    opened = await bench.post({"method": "initialize", "params": {"protocolVersion": "2025-03-26"}})
    assert json.loads(opened.body)["result"]["protocolVersion"] == "2025-03-26"
    session = (header(opened, b"mcp-session-id") or b"").decode()
    bench.post = partial(bench.post, mcp_session_id=session)  # type: ignore[method-assign]
    assert json.loads((await bench.post({"method": "ping"})).body)["result"] == {}
    told = await bench.post({"method": "notifications/initialized"})
    assert (told.status, told.body) == (202, b"")
    schema = await bench.post(
        {"method": "tools/call", "params": {"name": "get_module_schema", "arguments": {"module": "jira"}}}
    )
    assert "search_issues" in json.loads(schema.body)["result"]["content"][0]["text"]


async def test_a_refusal_tells_reason_wait_and_detail() -> None:
    bench = GatewayRig()

    async def refuse(*_: object) -> None:
        raise RefusedError("db_error", retry_after=0.2, detail="sorry, too many clients already")

    bench.does = refuse
    reply = await bench.post(RUN)
    assert reply.status == 500
    assert error(reply)["data"] == {
        "reason": "db_error",
        "retry_after": 1,
        "detail": "sorry, too many clients already",
    }
    assert b'mcpist_refused_total{reason="db_error"} 1.0' in bench.metrics.text()


async def test_a_failure_of_our_own_is_an_answer(caplog: pytest.LogCaptureFixture) -> None:
    bench = GatewayRig()

    async def fail(*_: object) -> None:
        raise ZeroDivisionError

    bench.does = fail
    reply = await bench.post(RUN)
    assert (reply.status, error(reply)["data"]["reason"]) == (500, "internal_error")
    assert "ZeroDivisionError" in caplog.text


async def test_the_deadline_answers_504_and_cancels() -> None:
    bench = GatewayRig("timeout", settings={"origin": {"timeout": 0.000001}})
    cancelled = asyncio.Event()

    async def stall(*_: object) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    bench.does = stall
    reply = await bench.post(RUN)
    assert (reply.status, error(reply)["data"]["reason"], cancelled.is_set()) == (
        504,
        "gateway_timeout",
        True,
    )
    assert bench.contexts[0][0].deadline is not None


async def test_a_batch_runs_at_once_and_charges_each_command() -> None:
    bench = GatewayRig()
    everybody = asyncio.Barrier(10)

    async def together(context: CallContext, command: Command, request_id: str) -> Any:
        from fakes.origin.tool_call import ToolResult

        await everybody.wait()
        if request_id.endswith("/3"):
            raise RefusedError("insufficient_credits")
        return ToolResult(request_id, False, float(request_id.rpartition("/")[2]))

    bench.does = together
    reply = await bench.post(batch(10), x_request_id="b")
    result = json.loads(reply.body)["result"]
    lines = [json.loads(line) for line in result["content"][0]["text"].splitlines()]
    assert [line.get("text") for line in lines] == ["b/1", "b/2", None, *(f"b/{n}" for n in range(4, 11))]
    assert (lines[2]["reason"], result["isError"]) == ("insufficient_credits", True)
    assert header(reply, b"server-timing") == b"upstream;dur=10.0"


@pytest.mark.parametrize(("sse", "accept", "kind"), [
    (True, "application/json, text/event-stream", b"text/event-stream"),
    (True, "application/json", b"application/json"),
    (False, "application/json, text/event-stream", b"application/json"),
])  # fmt: skip
async def test_an_event_stream_where_wanted_and_accepted(sse: bool, accept: str, kind: bytes) -> None:
    reply = await GatewayRig(settings={"mcp": {"sse": float(sse)}}).post(RUN, accept=accept)
    assert header(reply, b"content-type") == kind
    data = reply.body.partition(b"data: ")[2] if sse and kind != b"application/json" else reply.body
    assert rpc.id_of(data.strip()) == 7
    assert header(reply, b"x-ratelimit-limit") == b"-1"


def test_the_caller_that_is_scripted_here_has_the_real_ones_shape() -> None:
    assert ToolCaller.call.__annotations__.keys() == {"context", "command", "request_id", "return"}
