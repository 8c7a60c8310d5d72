"""MCP over HTTP: the bytes of a request. JSON-RPC 2.0, one message a request."""

from __future__ import annotations

import json
from typing import Any, NamedTuple


class Message(NamedTuple):
    """A JSON-RPC message cut at its id: `before + id + after` is the body; `headers` are its own lines."""

    before: bytes
    after: bytes
    answered: bool = True  # False for a notification
    headers: bytes = b""


def message(method: str, params: dict[str, Any] | None = None, headers: bytes = b"") -> Message:
    """A request of `method`, its id left open."""
    head = b'{"jsonrpc":"2.0","id":'
    tail = f',"method":{json.dumps(method)}'
    if params is not None:
        tail += f',"params":{json.dumps(params, separators=(",", ":"))}'
    return Message(head, (tail + "}").encode(), headers=headers)


def notification(method: str, params: dict[str, Any] | None = None) -> Message:
    """A message without an id; its answer is a 202 without a body."""
    whole = {"jsonrpc": "2.0", "method": method, **({} if params is None else {"params": params})}
    return Message(json.dumps(whole, separators=(",", ":")).encode(), b"", answered=False)


def assemble(head: bytes, content: Message, request_id: int) -> bytes:
    """The whole request; `head` is all header lines that messages share, but Content-Length."""
    body = content.before
    if content.answered:
        body = b"%b%d%b" % (body, request_id, content.after)
    return b"%b%bcontent-length: %d\r\n\r\n%b" % (head, content.headers, len(body), body)
