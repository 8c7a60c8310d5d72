"""MCP over HTTP: the bytes of a request. JSON-RPC 2.0, one message a request."""

from __future__ import annotations

import base64
import json
import re
from typing import Any, Final, NamedTuple

from common.nonce import NONCE
from targets.intents import INTENT
from targets.trace import TRACE
from users.transport.call import Expectation

MARK: Final = NONCE.encode()
INTENT_MARK: Final = INTENT.encode()
TRACE_MARK: Final = TRACE.encode()
_PUT_OFF: Final = re.compile(rb"=\?later\?(.*)\?later=")


class Message(NamedTuple):
    """A JSON-RPC message cut at its id: `before + id + after` is the body; `headers` are its own lines.

    `pieces`: `after`, cut where each call puts its nonce; none where it has none. `expect`: what its answer
    must say. `keyed`: the key of the call's intent goes into it; `traced`: the ids of its trace; `encodes`: a
    value among its headers is encoded once its marks are filled in.
    """

    before: bytes
    after: bytes
    answered: bool = True  # False for a notification
    headers: bytes = b""
    pieces: tuple[bytes, ...] = ()
    expect: Expectation | None = None
    keyed: bool = False
    traced: bool = False
    encodes: bool = False


def message(method: str, params: dict[str, Any] | None = None, headers: bytes = b"") -> Message:
    """A request of `method`, its id left open."""
    head = b'{"jsonrpc":"2.0","id":'
    tail = f',"method":{json.dumps(method)}'
    if params is not None:
        tail += f',"params":{json.dumps(params, separators=(",", ":"))}'
    after = (tail + "}").encode()
    pieces = tuple(after.split(MARK)) if MARK in after else ()
    keyed = INTENT_MARK in after or INTENT_MARK in headers
    traced, encodes = TRACE_MARK in headers, _PUT_OFF.search(headers) is not None
    return Message(head, after, headers=headers, pieces=pieces, keyed=keyed, traced=traced, encodes=encodes)


def encoded(text: str) -> str:
    """`text` in base64, as a header may hold it that cannot hold the text itself."""
    return f"=?base64?{base64.b64encode(text.encode()).decode()}?="


def put_off(text: str) -> str:
    """`text` as `assemble` encodes it for each call: it has marks, which stay what they are until then."""
    return f"=?later?{json.dumps(text)}?later="


def _encoded_now(found: re.Match[bytes]) -> bytes:
    return encoded(json.loads(found[1])).encode("ascii")


def notification(method: str, params: dict[str, Any] | None = None) -> Message:
    """A message without an id; its answer is a 202 without a body."""
    whole = {"jsonrpc": "2.0", "method": method, **({} if params is None else {"params": params})}
    return Message(json.dumps(whole, separators=(",", ":")).encode(), b"", answered=False)


def assemble(
    head: bytes, content: Message, request_id: int, nonce: bytes = b"", key: bytes = b"", trace: bytes = b""
) -> bytes:
    """The whole request; `head` is all header lines that messages share, but Content-Length.

    `key`: of the call's intent; `trace`: its `traceparent`.
    """
    body, headers = content.before, content.headers
    if content.answered:
        after = content.after
        if nonce:
            after = nonce.join(content.pieces)
            headers = headers and headers.replace(MARK, nonce)
        if key:
            after, headers = after.replace(INTENT_MARK, key), headers.replace(INTENT_MARK, key)
        if (nonce or key) and content.encodes:
            headers = _PUT_OFF.sub(_encoded_now, headers)
        if trace:
            after, headers = after.replace(TRACE_MARK, trace), headers.replace(TRACE_MARK, trace)
        body = b"%b%d%b" % (body, request_id, after)
    return b"%b%bcontent-length: %d\r\n\r\n%b" % (head, headers, len(body), body)
