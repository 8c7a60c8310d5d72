"""What an answer means: every kind of success and failure, and bytes that nobody should send."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Any

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from targets.limits import Limits, Refusal
from telemetry.recording.sample import DROPS, OWN_LIMITS, REASONS, Flag, Outcome
from users.mcp import answers, headers, messages
from users.mcp.content_encoding import EncodingError, asked, decoded
from users.mcp.dialect import PLAIN
from users.mcp.sse import EventStream
from users.transport.call import Call

OURS = 7


def answered(status: int, body: bytes, **named: str) -> Call:
    call = Call(0, 0.0, 0, 0, 0)
    call.request_id = OURS
    call.status = status
    call.body = body
    call.headers = {name.replace("_", "-").encode(): value.encode() for name, value in named.items()}
    answers.judge(call)
    return call


def reason(call: Call) -> str:
    return REASONS[call.reason]


def reply(**fields: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": OURS, **fields}).encode()


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, reply(result={"content": [], "isError": False}), ""),
        (200, reply(result={}), ""),
        (200, reply(result={"text": '"isError" in a text'}), ""),
        (200, reply(result={"isError": True}), "tool_error"),
        (200, reply(result={"isError": "yes"}), "bad_response"),
        *(
            (200, reply(result=other), "")
            for other in (None, True, 7, 0.5, "text", ["isError"], [{"isError": True}])
        ),
        (200, reply(result={"content": [{"isError": True}]}), ""),
        (200, reply(error={"code": -32601, "message": "no"}), "rpc_error"),
        (200, reply(), "bad_response"),
        (200, json.dumps({"id": 8, "result": {}}).encode(), "bad_response"),
        (200, b"", "bad_response"),
        (200, b"<html>", "bad_response"),
        (200, b"[]", "bad_response"),
        (204, b"", "bad_response"),
        (302, b"", "redirect"),
        (429, b"slow down", "refused"),
        (429, reply(error={"code": 1, "data": {"reason": "burst_exceeded"}}), "burst_exceeded"),
        (429, reply(error={"code": 1, "data": {"reason": "made up"}}), "refused"),
        (429, reply(error={"code": 1, "data": {"reason": ""}}), "refused"),
        (429, b'{"error": "rate limited"}', "refused"),
        (401, b"", "invalid_token"),
        (403, reply(error={"code": 1, "data": {"reason": "quota_exceeded"}}), "quota_exceeded"),
        (403, b"", "http_error"),
        (500, b"\xff\xfe", "http_error"),
        (503, reply(error={"code": 1, "data": {"reason": "breaker_open"}}), "breaker_open"),
        (503, reply(error={"code": 1, "data": {"reason": "upstream_error"}}), "upstream_error"),
        (504, reply(error={"code": 1, "data": {"reason": "gateway_timeout"}}), "gateway_timeout"),
        *(  # what only we can say, in the target's mouth
            (503, reply(error={"code": 1, "data": {"reason": ours}}), "http_error")
            for ours in (*OWN_LIMITS, *DROPS, "timeout", "reset", "foreign_answer", "input_required")
        ),
    ],
)
def test_reasons(status: int, body: bytes, expected: str) -> None:
    call = answered(status, body)
    assert reason(call) == expected


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (403, b"Your Daily Limit is used up", "quota_exceeded"),
        (403, b"forbidden", "http_error"),
        (429, b"daily limit", "refused"),
        (503, b"anything at all", "burst_exceeded"),
        (503, reply(error={"code": 1, "data": {"reason": "breaker_open"}}), "breaker_open"),
        (200, b"daily limit", "bad_response"),
    ],
)
def test_refusals_in_the_targets_own_words(status: int, body: bytes, expected: str) -> None:
    own = {"quota_per_day": {"most": 9, "reason": "daily limit"}, "burst_per_s": {"most": 5, "status": 503}}
    rules = answers.rules((), tuple(Limits.model_validate(own).refusals()))
    call = answered(status, body)
    rules.judge(call)
    assert reason(call) == expected
    assert call.outcome is (Outcome.OK if not expected else Outcome.FAILED)


@pytest.mark.parametrize("in_pieces", [False, True])
@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ({"code": 7, "data": {"reason": "quota_exceeded"}}, "quota_exceeded"),
        ({"code": 7, "message": "Your Daily Limit is used up"}, "rate_limit_exceeded"),
        ({"code": 7, "message": "no"}, "http_error"),
    ],
)
def test_a_refusal_by_event_stream_has_its_reason(
    error: dict[str, Any], expected: str, in_pieces: bool
) -> None:
    call = Call(0, 0.0, 0, 0, 0)
    call.request_id, call.status = OURS, 403
    call.headers = {b"content-type": b"text/event-stream"}
    call.body = b"data: " + reply(error=error) + b"\n\n"
    if in_pieces:
        call.stream = EventStream(OURS)
        call.stream.feed(call.body)
        call.body = b""
    answers.judge(call, refusals=[Refusal(403, b"daily limit", "rate_limit_exceeded")])
    assert (reason(call), call.rpc_code) == (expected, 7)


def test_a_notification_wants_no_answer() -> None:
    call = Call(-1, 0.0, 0, 0, 0)
    call.status = 202
    answers.judge(call)
    assert call.outcome is Outcome.OK


def test_an_event_stream_may_hold_other_messages_first() -> None:
    stream = b'event: message\ndata: {"jsonrpc":"2.0","method":"notifications/progress"}\n\n'
    stream += b"data: " + reply(result={}) + b"\n\n"
    call = answered(200, stream, content_type="text/event-stream; charset=utf-8")
    assert reason(call) == ""
    assert call.flags & Flag.SSE


@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"])
def test_every_newline_of_event_streams(newline: bytes) -> None:
    stream = newline.join([b": comment", b"data: " + reply(result={}), b"", b""])
    assert EventStream(OURS).feed(stream)
    assert not EventStream(OURS + 1).feed(stream)


def test_an_event_over_several_data_lines_is_one_message() -> None:
    half = reply(result={"a": 1})
    at = half.index(b'"result"')
    stream = b"data: " + half[:at] + b"\ndata:" + half[at:] + b"\n\n"
    assert EventStream(OURS).feed(stream)


@given(status=st.integers(200, 599), body=st.binary(max_size=200), sse=st.booleans())
def test_no_bytes_raise(status: int, body: bytes, sse: bool) -> None:
    call = answered(status, body, content_type="text/event-stream" if sse else "application/json")
    assert call.outcome in {Outcome.OK, Outcome.FAILED}


@given(st.integers(0, 10**18))
def test_an_assembled_request_is_valid_json_of_the_stated_length(request_id: int) -> None:
    content = PLAIN.call_tool("run", {"module": "notion", "params": {"page_id": "ü"}})
    raw = messages.assemble(b"POST / HTTP/1.1\r\n", content, request_id)
    head, _, body = raw.partition(b"\r\n\r\n")
    assert int(head.rpartition(b": ")[2]) == len(body)
    assert json.loads(body)["id"] == request_id
    assert json.loads(body)["params"]["arguments"]["module"] == "notion"


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (b"upstream;dur=2987.1", 2.9871),
        (b"edge;dur=1, upstream;dur=20", 0.02),
        (b"upstream", float("nan")),
        (b"upstream;dur=x", float("nan")),
        (b"other;dur=1", float("nan")),
        (b";", float("nan")),
        (b';"x', float("nan")),
        (b"edge;dur=1,;", float("nan")),
        (b";, upstream;dur=20", 0.02),
    ],
)
def test_the_upstreams_own_time(header: bytes, seconds: float) -> None:
    assert headers.upstream_seconds({b"server-timing": header}) == pytest.approx(seconds, nan_ok=True)


TIMING = (b";", b",", b'"', b"=", b"\\", b" ", b"upstream", b"dur", b"1")


@given(st.lists(st.sampled_from(TIMING), max_size=20))
def test_no_server_timing_raises(parts: list[bytes]) -> None:
    assert not headers.upstream_seconds({b"server-timing": b"".join(parts)}) < 0


@pytest.mark.parametrize(("value", "whole"), [(None, -1), (b"60", 60), (b"-1", -1), (b"x", -1), (b"", -1)])
def test_whole_numbers_of_headers(value: bytes | None, whole: int) -> None:
    call = Call(0, 0.0, 0, 0, 0)
    call.headers = {} if value is None else {b"x-ratelimit-limit": value}
    headers.read_headers(call)
    assert call.limit == whole


@pytest.mark.parametrize(
    ("fields", "expected", "code"),
    [
        ({"result": {}, "error": None}, "", 0),
        ({"error": {"code": -32603.0, "message": "no"}}, "rpc_error", -32603),
        ({"error": {"code": "E_DOWN", "message": "no"}}, "rpc_error", 0),
        ({"error": {"code": 1.5, "data": "see the docs"}}, "rpc_error", 0),
        ({"error": {"code": 7, "data": ["a"]}}, "rpc_error", 7),
        ({"error": {"code": 7, "data": None}}, "rpc_error", 7),
        ({"error": "it failed"}, "rpc_error", 0),
        ({"method": "ping", "params": {}}, "bad_response", 0),
    ],
)
def test_answers_as_real_servers_write_them(fields: dict[str, Any], expected: str, code: int) -> None:
    call = answered(200, reply(**fields))
    assert (reason(call), call.rpc_code) == (expected, code)


@pytest.mark.parametrize(
    "data", ["burst_exceeded", ["burst_exceeded"], 7, {"reason": ["burst_exceeded"]}, None]
)
def test_a_refusals_data_may_be_anything(data: Any) -> None:
    assert reason(answered(429, reply(error={"code": 1, "data": data}))) == "refused"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("application/json", ""),
        ("Application/JSON; charset=utf-8", ""),
        ("application/vnd.mcp+json", ""),
        ("text/plain", "bad_response"),
        ("text/html", "bad_response"),
    ],
)
def test_content_types(kind: str, expected: str) -> None:
    assert reason(answered(200, reply(result={}), content_type=kind)) == expected


def test_an_event_streams_type_may_be_in_capitals() -> None:
    assert (
        reason(answered(200, b"data: " + reply(result={}) + b"\n\n", content_type="TEXT/Event-Stream")) == ""
    )


@pytest.mark.parametrize("kind", ["application/json", "text/event-stream"])
def test_a_byte_order_mark_means_nothing(kind: str) -> None:
    body = reply(result={}) if kind.endswith("json") else b"data: " + reply(result={}) + b"\n\n"
    assert reason(answered(200, b"\xef\xbb\xbf" + body, content_type=kind)) == ""


def test_a_request_of_the_servers_is_no_answer_though_it_has_our_id() -> None:
    ping = b"data: " + reply(method="ping") + b"\n\n"
    assert not EventStream(OURS).feed(ping)
    stream = ping + b"data: " + reply(result={}) + b"\n\n"
    assert reason(answered(200, stream, content_type="text/event-stream")) == ""


COMPRESSED = {
    "gzip": gzip.compress(reply(result={})),
    "deflate": zlib.compress(reply(result={})),
    "br": brotli.compress(reply(result={})),
}


@pytest.mark.parametrize(("name", "body"), COMPRESSED.items(), ids=COMPRESSED)
def test_contents_are_decoded_where_they_were_asked_for(name: str, body: bytes) -> None:
    call = answered(200, body, content_encoding=name)
    assert reason(call) == "bad_response"
    assert f"Accept-Encoding: {name}".encode() in call.body
    call.body = body
    answers.judge(call, asked(f"{name};q=0.9, identity"))
    assert reason(call) == ""


def test_a_bare_deflate_stream_is_read_too() -> None:
    raw = zlib.compress(reply(result={}))[2:-4]
    assert decoded({b"content-encoding": b"Deflate"}, raw, {b"deflate"}) == reply(result={})


@pytest.mark.parametrize(
    "body", [b"", b"no", gzip.compress(b"x" * 1000)[:-12]], ids=["empty", "none", "cut off"]
)
def test_contents_that_cannot_be_decoded_are_a_bad_response(body: bytes) -> None:
    with pytest.raises(EncodingError, match="content-encoding gzip: "):
        decoded({b"content-encoding": b"gzip"}, body, {b"gzip"})


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (b'edge;desc="a, b; dur=9", upstream ; DUR = 20 ;desc=x', 0.02),
        (b'upstream;dur="30"', 0.03),
        (b'upstream;desc="d";dur=40, upstream;dur=50', 0.04),
    ],
)
def test_server_timing_by_its_grammar(header: bytes, seconds: float) -> None:
    assert headers.upstream_seconds({b"server-timing": header}) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("code", "says"),
    [(-32020, "header_mismatch"), (-32021, "missing_capability"), (-32022, "unsupported_version")],
)
@pytest.mark.parametrize("status", [200, 400])
def test_the_modern_eras_own_errors(status: int, code: int, says: str) -> None:
    call = answered(status, reply(error={"code": code, "message": "no"}))
    assert (call.outcome, reason(call), call.rpc_code) == (Outcome.FAILED, says, code)


@pytest.mark.parametrize(
    ("result", "says"),
    [
        ({"resultType": "complete", "content": []}, ""),
        ({"resultType": "input_required", "inputRequests": {}}, "input_required"),
        ({"resultType": "other"}, "bad_response"),
        ({"resultType": "complete", "isError": True}, "tool_error"),
        ({"content": []}, ""),
        ({"content": [{"text": '"resultType":"input_required"'}]}, ""),
    ],
)
def test_what_kind_of_result_it_is(result: dict[str, Any], says: str) -> None:
    assert reason(answered(200, reply(result=result))) == says


@pytest.mark.parametrize(("request_line", "says"), [(b"DELETE / HTTP", ""), (b"POST / HTTP", "http_error")])
def test_a_server_need_not_offer_to_close_a_session(request_line: bytes, says: str) -> None:
    call = Call(-1, 0.0, 0, 0, 0)
    call.request, call.status = request_line, 405
    answers.judge(call)
    assert reason(call) == says
