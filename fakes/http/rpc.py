"""JSON-RPC 2.0 as the stack reads and answers it (docs/architecture.md, "Answers on the wire").

    request = rpc.decode(body)               # raises RpcError: -32700 or -32600
    rpc.result(request.id, {...})            # 200
    rpc.refuse("burst_exceeded", request.id, retry_after=1)     # 429 with Retry-After
    rpc.failure(request.id, -32601, "…")     # 200 with an error, as JSON-RPC over HTTP has it

The edge needs no more than the id, and only when it refuses: `id_of` reads that alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from fakes.http.asgi import JSON, Headers, Reply
from fakes.http.reasons import REASONS

Id = int | float | str | None

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602


class RpcError(Exception):
    """A body that is no JSON-RPC request: `code` and a message."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


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


def decode(body: bytes) -> Request:
    """The request in a body. Raises RpcError."""
    try:
        return _requests.decode(body)
    except msgspec.ValidationError as error:
        raise RpcError(INVALID_REQUEST, str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RpcError(PARSE_ERROR, str(error)) from None


def id_of(body: bytes) -> Id:
    """The id in a body, None if there is none to be read."""
    try:
        return _ids.decode(body).id
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def result(request_id: Id, value: Any, headers: Sequence[tuple[bytes, bytes]] = ()) -> Reply:
    """A success."""
    body = _encode({"jsonrpc": "2.0", "id": request_id, "result": value})
    return Reply(200, [JSON, *headers], body)


def text_result(
    request_id: Id, text: str, is_error: bool = False, headers: Sequence[tuple[bytes, bytes]] = ()
) -> Reply:
    """A tool's result as text; `is_error` says that the tool failed."""
    content = [{"type": "text", "text": text}]
    return result(request_id, {"content": content, "isError": is_error}, headers)


def failure(
    request_id: Id, code: int, message: str, status: int = 200, headers: Sequence[tuple[bytes, bytes]] = ()
) -> Reply:
    """An error of the protocol, without a reason of ours."""
    body = _encode({"jsonrpc": "2.0", "id": request_id, "error": {"code": code, "message": message}})
    return Reply(status, [JSON, *headers], body)


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
