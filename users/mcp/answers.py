"""What an answer means. It is plain JSON or an event stream that holds our id.

HTTP 200 with a JSON-RPC `error` is `rpc_error`; with `result.isError` it is `tool_error`; both are apart
from HTTP errors. See `docs/architecture.md`, "Answers on the wire".
"""

from __future__ import annotations

from typing import Final

import msgspec

from telemetry.recording.sample import REASON_CODE, Flag, Outcome
from users.mcp.headers import fitting
from users.mcp.sse import UNREADABLE, event_for, holds_answer
from users.transport.answer_rules import AnswerRules
from users.transport.call import Call


class _Result(msgspec.Struct):
    isError: bool = False  # noqa: N815 - the wire's own name


class _Reply(msgspec.Struct):
    id: int | str | None = None
    result: msgspec.Raw = msgspec.Raw()
    error: msgspec.Raw = msgspec.Raw()


class _ErrorReason(msgspec.Struct):
    reason: str = ""


class _Error(msgspec.Struct):
    code: int = 0
    data: _ErrorReason | None = None


class _Failure(msgspec.Struct):
    error: _Error


_decode_reply: Final = msgspec.json.Decoder(_Reply).decode
_decode_result: Final = msgspec.json.Decoder(_Result).decode
_decode_error: Final = msgspec.json.Decoder(_Error).decode
_decode_failure: Final = msgspec.json.Decoder(_Failure).decode
_OK: Final = REASON_CODE[""]
_BAD: Final = REASON_CODE["bad_response"]
_RPC: Final = REASON_CODE["rpc_error"]
_TOOL: Final = REASON_CODE["tool_error"]
_HTTP: Final = REASON_CODE["http_error"]
_REDIRECT: Final = REASON_CODE["redirect"]
_REFUSED: Final = REASON_CODE["refused"]
_NO_TOKEN: Final = REASON_CODE["invalid_token"]


def judge(call: Call) -> None:
    """Set outcome, reason, rpc_code and the SSE flag of an answered call."""
    if 200 <= call.status < 300:
        call.reason = _judge_success(call)
    elif call.status < 400:
        call.reason = _REDIRECT
    else:
        call.reason = _judge_failure(call)
    call.outcome = Outcome.OK if call.reason == _OK else Outcome.FAILED


def _judge_success(call: Call) -> int:
    if not call.request_id:  # a notification: any 2xx will do
        return _OK
    body = call.body
    if call.headers.get(b"content-type", b"").startswith(b"text/event-stream"):
        call.flags |= Flag.SSE
        body = event_for(body, call.request_id)
    try:
        reply = _decode_reply(body)
        if reply.id != call.request_id:
            return _BAD
        if len(reply.error):
            call.rpc_code = fitting(_decode_error(reply.error).code, 0)
            return _RPC
        result = bytes(reply.result)
        if b'"isError"' in result and _decode_result(result).isError:
            return _TOOL
        return _OK if result else _BAD
    except UNREADABLE:
        return _BAD


def _judge_failure(call: Call) -> int:
    reason = ""
    try:
        error = _decode_failure(call.body).error
        call.rpc_code = fitting(error.code, 0)
        reason = error.data.reason if error.data else ""
    except UNREADABLE:
        pass
    if reason in REASON_CODE and reason:
        return REASON_CODE[reason]
    if call.status == 429:
        return _REFUSED
    return _NO_TOKEN if call.status == 401 else _HTTP


MCP: Final = AnswerRules(judge, holds_answer)
