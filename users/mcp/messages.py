"""MCP over HTTP: the bytes of a request. JSON-RPC 2.0, one message a request."""

from __future__ import annotations

import json
from typing import Any, Final, NamedTuple

PROTOCOL_VERSION: Final = "2025-06-18"


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


def call_tool(name: str, arguments: dict[str, Any]) -> Message:
    """`tools/call` of one tool."""
    return message("tools/call", {"name": name, "arguments": arguments})


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
