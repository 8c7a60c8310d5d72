"""MCP over HTTP: the bytes of a request, and what an answer means.

JSON-RPC 2.0, one message a request (`docs/architecture.md`, "Answers on the wire"). An answer is
plain JSON or an SSE stream that holds our id. HTTP 200 with a JSON-RPC `error` is `rpc_error`; with
`result.isError` it is `tool_error`; both are apart from HTTP errors.
"""

from __future__ import annotations

import json
from typing import Any, Final, NamedTuple

import msgspec

from telemetry.recording.sample import REASON_CODE, Flag, Outcome
from users.transport.call import NAN, Call

PROTOCOL_VERSION: Final = "2025-06-18"


class _Result(msgspec.Struct):
    isError: bool = False  # noqa: N815 - the wire's own name


class _Reply(msgspec.Struct):
    id: int | str | None = None
    result: msgspec.Raw = msgspec.Raw()
    error: msgspec.Raw = msgspec.Raw()


class _ErrorData(msgspec.Struct):
    reason: str = ""


class _Error(msgspec.Struct):
    code: int = 0
    data: _ErrorData | None = None


class _Failure(msgspec.Struct):
    error: _Error


# msgspec gives up on deep nesting with RecursionError
_UNREADABLE: Final = (msgspec.DecodeError, RecursionError)
_decode_reply: Final = msgspec.json.Decoder(_Reply).decode
_decode_result: Final = msgspec.json.Decoder(_Result).decode
_decode_error: Final = msgspec.json.Decoder(_Error).decode
_decode_failure: Final = msgspec.json.Decoder(_Failure).decode


class Message(NamedTuple):
    """A JSON-RPC message cut at its id: `before + id + after` is the body."""

    before: bytes
    after: bytes
    answered: bool = True  # False for a notification


def message(method: str, params: dict[str, Any] | None = None) -> Message:
    """A request of `method`, its id left open."""
    head = b'{"jsonrpc":"2.0","id":'
    tail = f',"method":{json.dumps(method)}'
    if params is not None:
        tail += f',"params":{json.dumps(params, separators=(",", ":"))}'
    return Message(head, (tail + "}").encode())


def notification(method: str) -> Message:
    """A message without an id; its answer is a 202 without a body."""
    return Message(b'{"jsonrpc":"2.0","method":' + json.dumps(method).encode() + b"}", b"", answered=False)


def call_tool(module: str, tool: str, params: dict[str, Any]) -> Message:
    """`tools/call` of one tool of one module."""
    arguments = {"module": module, "tool": tool, "params": params}
    return message("tools/call", {"name": "run", "arguments": arguments})


def batch(commands: list[dict[str, Any]]) -> Message:
    """`tools/call` of `batch`: at most 10 commands, as JSON Lines."""
    lines = "\n".join(json.dumps(command, separators=(",", ":")) for command in commands)
    return message("tools/call", {"name": "batch", "arguments": {"commands": lines}})


def initialize() -> Message:
    """What opens a session."""
    client = {"name": "mcpist-resilience", "version": "1"}
    return message(
        "initialize", {"protocolVersion": PROTOCOL_VERSION, "capabilities": {}, "clientInfo": client}
    )


def assemble(head: bytes, content: Message, request_id: int) -> bytes:
    """The whole request; `head` is all header lines but Content-Length."""
    body = content.before
    if content.answered:
        body = b"%b%d%b" % (body, request_id, content.after)
    return b"%bcontent-length: %d\r\n\r\n%b" % (head, len(body), body)


# what the target says must fit into a sample, whatever it says
_LARGEST_WHOLE: Final = 2**31 - 1
_LARGEST_FLOAT: Final = 1e30
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
        body = _event_for(body, call.request_id)
    try:
        reply = _decode_reply(body)
        if reply.id != call.request_id:
            return _BAD
        if len(error := bytes(reply.error)):
            call.rpc_code = _fitting(_decode_error(error).code, 0)
            return _RPC
        return _judge_result(bytes(reply.result))
    except _UNREADABLE:
        return _BAD


def _judge_result(result: bytes) -> int:
    if not result:
        return _BAD
    if b'"isError"' in result and _decode_result(result).isError:
        return _TOOL
    return _OK


def _judge_failure(call: Call) -> int:
    reason = ""
    try:
        error = _decode_failure(call.body).error
        call.rpc_code = _fitting(error.code, 0)
        reason = error.data.reason if error.data else ""
    except _UNREADABLE:
        pass
    if reason in REASON_CODE and reason:
        return REASON_CODE[reason]
    if call.status == 429:
        return _REFUSED
    return _NO_TOKEN if call.status == 401 else _HTTP


def _events(stream: bytes) -> list[bytes]:
    """The `data` of each event of a text/event-stream."""
    text = stream.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    found = []
    for block in text.split(b"\n\n"):
        lines = [line[5:].removeprefix(b" ") for line in block.split(b"\n") if line.startswith(b"data:")]
        if lines:
            found.append(b"\n".join(lines))
    return found


def _event_for(stream: bytes, request_id: int) -> bytes:
    """The event that answers `request_id`; b"" if there is none."""
    for data in _events(stream):
        try:
            if _decode_reply(data).id == request_id:
                return data
        except _UNREADABLE:
            continue
    return b""


def answers(stream: bytes, request_id: int) -> bool:
    """Whether an unfinished event stream already holds the answer to `request_id`."""
    return bool(_event_for(stream, request_id))


def retry_after(headers: dict[bytes, bytes]) -> float:
    """Seconds of `Retry-After`; NaN if absent or a date."""
    return number(headers.get(b"retry-after"))


def number(value: bytes | None) -> float:
    """A header's number; NaN if it is absent, is none, or fits no field of a sample."""
    if value is None:
        return NAN
    try:
        found = float(value)
    except ValueError:
        return NAN
    return found if -_LARGEST_FLOAT < found < _LARGEST_FLOAT else NAN


def whole(value: bytes | None) -> int:
    """A header's whole number; −1 if it is absent, is none, or fits no field of a sample."""
    if value is None:
        return -1
    try:
        return _fitting(int(value), -1)
    except ValueError:
        return -1


def _fitting(value: int, otherwise: int) -> int:
    """`value` if a sample's 32-bit field can hold it."""
    return value if -_LARGEST_WHOLE <= value <= _LARGEST_WHOLE else otherwise


def upstream_seconds(headers: dict[bytes, bytes]) -> float:
    """The upstream's own time by `Server-Timing: upstream;dur=<ms>`; NaN if not told."""
    timing = headers.get(b"server-timing")
    if timing is None:
        return NAN
    for metric in timing.split(b","):
        name, _, rest = metric.strip().partition(b";")
        if name == b"upstream" and rest.startswith(b"dur="):
            return number(rest[4:].partition(b";")[0]) / 1000
    return NAN
