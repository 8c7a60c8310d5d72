"""What an answer means. It is plain JSON or an event stream that holds our id.

HTTP 200 with a JSON-RPC `error` is `rpc_error`; with `result.isError` it is `tool_error`; both are apart
from HTTP errors. See `docs/architecture.md`, "Answers on the wire". Answers are read as real servers write
them: `error: null` beside a result is none, its `data` may be anything, its `code` too; a byte order mark
means nothing; content types are compared in lower case. A 2xx of any other type is none that an MCP client
reads. A refusal whose reason is none of ours is known by what the target file says of its limits. Contents
are decoded where the target file asked for the encoding, and refused where nobody did.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

import msgspec

from targets.limits import Refusal
from telemetry.recording.sample import ANSWERED, REASON_CODE, Flag, Outcome
from users.mcp.content_encoding import EncodingError, decoded
from users.mcp.limit_headers import fitting
from users.mcp.sse import BOM, UNREADABLE, EventStream, stream_of_call
from users.transport.answer_rules import AnswerRules
from users.transport.body_limits import MAX_BODY
from users.transport.call import Call


class _Result(msgspec.Struct):
    isError: bool = False  # noqa: N815 - the wire's own name
    resultType: str = "complete"  # noqa: N815


class _Reply(msgspec.Struct):
    """`result` is an object, as MCP has it, or anything else that JSON-RPC allows."""

    id: int | str | None = None
    method: msgspec.Raw = msgspec.Raw()
    result: _Result | list[Any] | str | int | float | bool | msgspec.UnsetType | None = msgspec.UNSET
    error: msgspec.Raw = msgspec.Raw()


class _Error(msgspec.Struct):
    code: Any = 0
    data: Any = None

    @property
    def reason(self) -> str:
        """`data.reason`, where there is one."""
        reason = self.data.get("reason") if isinstance(self.data, dict) else None
        return reason if isinstance(reason, str) else ""


class _Failure(msgspec.Struct):
    error: _Error


_decode_reply: Final = msgspec.json.Decoder(_Reply).decode
_decode_error: Final = msgspec.json.Decoder(_Error).decode
_decode_failure: Final = msgspec.json.Decoder(_Failure).decode
CLOSES: Final = b"DELETE "  # how a request begins that closes a session
_GOOD: Final = Outcome.OK  # a look into an enumeration takes longer than one at a name here
_FAILED: Final = Outcome.FAILED
_JSON: Final = b"application/json"
_OK: Final = REASON_CODE[""]
_BAD: Final = REASON_CODE["bad_response"]
_RPC: Final = REASON_CODE["rpc_error"]
_TOOL: Final = REASON_CODE["tool_error"]
_HTTP: Final = REASON_CODE["http_error"]
_REDIRECT: Final = REASON_CODE["redirect"]
_REFUSED: Final = REASON_CODE["refused"]
_ASKS: Final = REASON_CODE["input_required"]
# The modern era's own errors, by their JSON-RPC code; their HTTP status is 400.
_ERA: Final = {
    -32020: REASON_CODE["header_mismatch"],
    -32021: REASON_CODE["missing_capability"],
    -32022: REASON_CODE["unsupported_version"],
}
_NO_TOKEN: Final = REASON_CODE["invalid_token"]
_ANSWERED: Final = {name: REASON_CODE[name] for name in ANSWERED}


def error_code(code: object) -> int:
    """A JSON-RPC error's code as a sample holds it; 0 for what is no whole number."""
    return fitting(int(code), 0) if isinstance(code, int | float) and code == code // 1 else 0


def rules(
    encodings: Collection[bytes] = (), refusals: Collection[Refusal] = (), max_body: int = MAX_BODY
) -> AnswerRules:
    """The rules of a run that asks for these content encodings, of a target that refuses like this."""
    return AnswerRules(lambda call: judge(call, encodings, refusals, max_body), EventStream)


def judge(
    call: Call,
    encodings: Collection[bytes] = (),
    refusals: Collection[Refusal] = (),
    max_body: int = MAX_BODY,
) -> None:
    """Set outcome, reason, rpc_code and the SSE flag of an answered call."""
    try:
        if call.stream is None:
            call.body = decoded(call.headers, call.body, encodings, max_body).removeprefix(BOM)
    except EncodingError as error:
        call.body = str(error).encode()  # for whoever shows what failed calls were told
        call.outcome, call.reason = _FAILED, _BAD
        return
    if 200 <= call.status < 300:
        call.reason = _judge_success(call)
    elif call.status < 400:
        call.reason = _REDIRECT
    else:
        call.reason = _judge_failure(call, refusals)
    call.outcome = _GOOD if call.reason == _OK else _FAILED


def _judge_success(call: Call) -> int:
    if not call.request_id:  # a notification: any 2xx will do
        return _OK
    try:
        reply = _decode_reply(message_of(call))
        if reply.id != call.request_id or len(reply.method):
            return _BAD
        if len(reply.error) and bytes(reply.error) != b"null":
            call.rpc_code = _rpc_code(reply.error)
            return _ERA.get(call.rpc_code, _RPC)
        return _judge_result(reply.result)
    except UNREADABLE:
        return _BAD


def _judge_result(result: object) -> int:
    if not isinstance(result, _Result):
        return _BAD if result is msgspec.UNSET else _OK
    if result.isError:
        return _TOOL
    if result.resultType != "complete":
        return _ASKS if result.resultType == "input_required" else _BAD
    return _OK


def message_of(call: Call) -> bytes:
    """The JSON of an answer; b"" where its type is none that an MCP client reads."""
    kind = call.headers.get(b"content-type", _JSON)
    if kind == _JSON:
        return call.body
    kind = kind.lower()
    if kind.startswith(b"text/event-stream"):
        call.flags |= Flag.SSE
        return stream_of_call(call).answer
    return call.body if not kind or b"json" in kind else b""


def _rpc_code(error: msgspec.Raw) -> int:
    try:
        return error_code(_decode_error(error).code)
    except UNREADABLE:  # no object: the error is there all the same
        return 0


def _told(call: Call) -> bytes:
    """What a failure says; of an event stream the message that answers, or else the last."""
    if not call.headers.get(b"content-type", _JSON).lower().startswith(b"text/event-stream"):
        return call.body
    call.flags |= Flag.SSE
    stream = stream_of_call(call)
    return stream.answer or stream.last or call.body


def _judge_failure(call: Call, refusals: Collection[Refusal]) -> int:
    reason, told = "", _told(call)
    try:
        error = _decode_failure(told).error
        call.rpc_code = error_code(error.code)
        reason = error.reason
    except UNREADABLE:
        pass
    if reason in _ANSWERED:
        return _ANSWERED[reason]
    if call.status == 405 and call.request.startswith(CLOSES):  # the server does not offer it: all is well
        return _OK
    for promised in refusals:
        if call.status == promised.status and promised.words in told.lower():
            return REASON_CODE[promised.reason]
    if call.status == 429:
        return _REFUSED
    if call.rpc_code in _ERA:
        return _ERA[call.rpc_code]
    return _NO_TOKEN if call.status == 401 else _HTTP
