"""JSON-RPC 2.0 as the stack reads and answers it (docs/architecture.md, "Answers on the wire").

    request = rpc.decode(body)               # raises RpcError: -32700 or -32600
    rpc.result(request.id, {...})            # 200
    rpc.refuse("burst_exceeded", request.id, retry_after=1)     # 429 with Retry-After
    rpc.failure(request.id, -32601, "…")     # 200 with an error, as JSON-RPC over HTTP has it
    rpc.failed(request.id, rpc.RpcError(…))  # an error of the protocol with its status and data

The edge needs no more than the id, and only when it refuses: `id_of` reads that alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from fakes.http.asgi import JSON, Headers, Reply
from fakes.http.reasons import REASONS

Id = int | float | str | None

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
HEADER_MISMATCH: Final = -32020
MISSING_CAPABILITY: Final = -32021
UNSUPPORTED_VERSION: Final = -32022
NO_SESSION: Final = -32000
SESSION_GONE: Final = -32001
CANCELLED: Final = -32800


class RpcError(Exception):
    """A request that the protocol does not allow: `code`, a message, HTTP `status`, `error.data`."""

    def __init__(self, code: int, message: str, status: int = 200, data: Any = None) -> None:
        super().__init__(message)
        self.code, self.message = code, message
        self.status, self.data = status, data


class Request(msgspec.Struct):
    """One request; a notification has no id."""

    method: str
    jsonrpc: str = "2.0"
    id: Id = None
    params: dict[str, Any] = {}


class _Identified(msgspec.Struct):
    id: Id = None


_requests: Final = msgspec.json.Decoder(Request)
_ids: Final = msgspec.json.Decoder(_Identified)
_encode: Final = msgspec.json.Encoder().encode
# What msgspec raises: RecursionError for deep nesting, UnicodeDecodeError for a wrong byte in a string
UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
NOTHING: Final[Mapping[str, Any]] = {}


def decode(body: bytes) -> Request:
    """The request in a body. Raises RpcError."""
    try:
        return _requests.decode(body)
    except msgspec.ValidationError as error:
        raise RpcError(INVALID_REQUEST, str(error)) from None
    except UNREADABLE as error:
        raise RpcError(PARSE_ERROR, str(error)) from None


def id_of(body: bytes) -> Id:
    """The id in a body, None if there is none to be read."""
    try:
        return _ids.decode(body).id
    except UNREADABLE:
        return None


def result(request_id: Id, value: Any, headers: Sequence[tuple[bytes, bytes]] = ()) -> Reply:
    """A success."""
    body = _encode({"jsonrpc": "2.0", "id": request_id, "result": value})
    return Reply(200, [JSON, *headers], body)


def text_result(
    request_id: Id,
    text: str,
    is_error: bool = False,
    headers: Sequence[tuple[bytes, bytes]] = (),
    marks: Mapping[str, Any] = NOTHING,
) -> Reply:
    """A tool's result as text; `is_error` says that the tool failed. `marks` join the result."""
    content = [{"type": "text", "text": text}]
    return result(request_id, {"content": content, "isError": is_error, **marks}, headers)


def notification(method: str, params: Mapping[str, Any]) -> bytes:
    """A notification's body."""
    return _encode({"jsonrpc": "2.0", "method": method, "params": params})


def event(body: bytes) -> bytes:
    """A message as one event of a stream."""
    return b"event: message\ndata: " + body + b"\n\n"


def failure(request_id: Id, code: int, message: str, status: int = 200, data: Any = None) -> Reply:
    """An error of the protocol, without a reason of ours."""
    error: dict[str, Any] = {"code": code, "message": message}
    if data is not None:
        error["data"] = data
    return Reply(status, [JSON], _encode({"jsonrpc": "2.0", "id": request_id, "error": error}))


def failed(request_id: Id, error: RpcError) -> Reply:
    """What an RpcError looks like on the wire."""
    return failure(request_id, error.code, error.message, error.status, error.data)


def header_mismatch(request_id: Id, header: str) -> Reply:
    """A header does not say what the body says."""
    return failed(request_id, mismatch(header))


def mismatch(header: str) -> RpcError:
    """The error for a header that does not say what the body says."""
    return RpcError(HEADER_MISMATCH, f"Header mismatch: {header} is not what the body says", 400)


def refuse(
    reason: str,
    request_id: Id,
    message: str | None = None,
    retry_after: float | None = None,
    status: int | None = None,
    headers: Sequence[tuple[bytes, bytes]] = (),
    detail: str | None = None,
) -> Reply:
    """A refusal or error by its name in `fakes.http.reasons`; `retry_after` in seconds, rounded up.

    `detail` goes to `error.data.detail`: what another party said, word for word.
    """
    row = REASONS[reason]
    data: dict[str, Any] = {"reason": reason}
    all_headers: Headers = [JSON, *headers]
    if retry_after is not None:
        data["retry_after"] = seconds = max(1, math.ceil(retry_after))
        all_headers.append((b"retry-after", b"%d" % seconds))
    if detail is not None:
        data["detail"] = detail
    error = {"code": row.code, "message": message or row.message, "data": data}
    body = _encode({"jsonrpc": "2.0", "id": request_id, "error": error})
    return Reply(status or row.status, all_headers, body)
