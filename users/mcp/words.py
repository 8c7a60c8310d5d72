"""What a failed call was told, in the target's own words: JSON-RPC error, tool error, or any other body."""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

import msgspec

from common.errors import one_line
from users.mcp.answers import error_code
from users.mcp.sse import UNREADABLE, stream_of_call
from users.transport.call import Call

MAX_LENGTH: Final = 500  # characters
_READ: Final = 16_384  # bytes of a body that are looked at
_PARSED: Final = 65_536  # bytes of a message that are parsed whole
_decode: Final = msgspec.json.Decoder().decode
# In this order: a UUID holds hexadecimal digits, and those hold numbers.
_IDS: Final = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|\b(?=[0-9a-f]*[0-9])[0-9a-f]{6,}\b"
    r"|[0-9]+(?:\.[0-9]+)*",
    re.IGNORECASE,
)


class Words(NamedTuple):
    """`code` is the JSON-RPC error's; `detail` is what a party behind the gateway said."""

    code: int
    message: str
    detail: str

    @property
    def kind(self) -> str:
        """The same for texts that differ in ids and numbers alone."""
        return _IDS.sub("#", f"{self.message}: {self.detail}" if self.detail else self.message)


def words(call: Call) -> Words:
    """Of a failed call that was answered."""
    message = _message(call)
    try:
        found = _told(_decode(message)) if len(message) <= _PARSED else None
    except UNREADABLE:
        found = None
    if found is None:
        return Words(0, _cut((call.body or message)[:_READ].decode("utf-8", "replace")), "")
    return found


def _message(call: Call) -> bytes:
    if call.headers.get(b"content-type", b"").lower().startswith(b"text/event-stream"):
        return stream_of_call(call).last
    return call.body


def _told(reply: Any) -> Words | None:
    """None for what is no JSON-RPC error and no tool error."""
    if not isinstance(reply, dict):
        return None
    error, result = reply.get("error"), reply.get("result")
    if isinstance(error, dict) and "message" in error:
        data = error.get("data")
        detail = data.get("detail", "") if isinstance(data, dict) else data if isinstance(data, str) else ""
        return Words(error_code(error.get("code")), _cut(error["message"]), _cut(detail))
    if isinstance(result, dict) and isinstance(result.get("content"), list):
        texts = [part["text"] for part in result["content"] if isinstance(part, dict) and "text" in part]
        return Words(0, _cut(" ".join(map(str, texts))), "")
    return None


def _cut(text: object) -> str:
    return one_line(str(text)[:_READ])[:MAX_LENGTH]
