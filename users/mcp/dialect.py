"""How a revision of MCP writes a request: what all personas call, made before load.

    dialect = Dialect("2026-07-28")             # or a revision with sessions, or "none"
    dialect.call_tool("echo", {"text": "hi"})   # a Message, whole but for its id

Revisions with sessions and plain JSON-RPC write the same messages; their session and version go with the
account's own headers. The modern one names version, method and tool in headers and says version and
capabilities in `params._meta` of each request. A header's value that is no visible ASCII, has a space at an
end or looks like the marker goes as `=?base64?…?=` of its UTF-8, in which marks are filled in. Where requests
are traced, `traceparent` is a header of each, and in the modern era stands in `_meta`, too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from common.mcp_versions import LEGACY, MODERN, NONE
from common.nonce import NONCE
from targets.intents import INTENT, IntentPlace
from targets.trace import TRACE, TRACEPARENT
from users.mcp import messages
from users.mcp.messages import Message

CLIENT: Final = {"name": "mcpist-resilience", "version": "1"}
ANSWERING: Final[dict[str, Any]] = {"elicitation": {}, "sampling": {}, "roots": {}}
NAME: Final = "Mcp-Name"
_PLAIN: Final = re.compile(r"(?! )[ -~]+(?<! )")
_MARKER: Final = re.compile(r"=\?base64\?.*\?=")
ToolHeaders = Mapping[str, Mapping[str, str]]
"""Tool → argument → `x-mcp-header`, as the tools' schemas have it."""


def misnamed(message: Message, name: str) -> Message:
    """The same message, but `Mcp-Name` says `name`; as it is where it has no such header."""
    lines = message.headers.splitlines(keepends=True)
    lie = f"{NAME}: {header_value(name)}\r\n".encode("ascii")
    told = [lie if line.startswith(f"{NAME}: ".encode()) else line for line in lines]
    return message._replace(headers=b"".join(told))


def header_value(text: str) -> str:
    """`text` as a header may hold it."""
    if _PLAIN.fullmatch(text) and not _MARKER.fullmatch(text):
        return text
    return messages.encoded(text)


def _argument(text: str) -> str:
    """As `header_value`; a text that has to be encoded and holds a mark is encoded for each call."""
    value = header_value(text)
    marked = NONCE in text or INTENT in text
    return messages.put_off(text) if marked and value != text else value


@dataclass(frozen=True)
class Dialect:
    """One revision. For the modern one alone: `tool_headers`, and `answers` to tools that ask the user.

    `intents`: where calls of tools say which intent they are for; None: nowhere. `trace`: whether requests
    say which trace they are of.
    """

    version: str = NONE
    tool_headers: ToolHeaders = field(default_factory=dict)
    answers: bool = False
    intents: IntentPlace | None = None
    trace: bool = False

    @property
    def modern(self) -> bool:
        """No handshake; each request says all of it."""
        return self.version == MODERN

    @property
    def legacy(self) -> bool:
        """A handshake, and a session where the server gives one."""
        return self.version in LEGACY

    def request(self, method: str, params: Mapping[str, Any] | None = None) -> Message:
        """A request of `method`."""
        told = self.intents if method == "tools/call" else None
        meta = {told.meta: INTENT} if told is not None and told.meta else {}
        lines = {told.header: INTENT} if told is not None and told.header else {}
        given = dict(params or {})
        if self.trace:
            lines[TRACEPARENT] = TRACE
        if self.modern:
            lines |= {"MCP-Protocol-Version": MODERN, "Mcp-Method": method, **self._named(given)}
            meta |= self._meta
        if meta:
            given["_meta"] = meta
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        return messages.message(method, given if given or params is not None else None, head.encode("ascii"))

    @property
    def _meta(self) -> dict[str, Any]:
        return {
            **({TRACEPARENT: TRACE} if self.trace else {}),
            "io.modelcontextprotocol/protocolVersion": MODERN,
            "io.modelcontextprotocol/clientCapabilities": ANSWERING if self.answers else {},
            "io.modelcontextprotocol/clientInfo": CLIENT,
        }

    def _named(self, params: Mapping[str, Any]) -> dict[str, str]:
        """`Mcp-Name` and `Mcp-Param-…` of a call of a tool."""
        if (name := params.get("name")) is None:
            return {}
        arguments = params.get("arguments", {})
        wanted = self.tool_headers.get(name, {})
        own = {header: arguments[key] for key, header in wanted.items() if arguments.get(key) is not None}
        told = {f"Mcp-Param-{header}": _argument(_text(value)) for header, value in own.items()}
        return {NAME: header_value(name), **told}

    def call_tool(self, name: str, arguments: Mapping[str, Any]) -> Message:
        """`tools/call` of one tool."""
        return self.request("tools/call", {"name": name, "arguments": dict(arguments)})

    def batch(self, commands: list[dict[str, Any]]) -> Message:
        """`tools/call` of MCPist's `batch`: at most 10 commands, as JSON Lines."""
        lines = "\n".join(json.dumps(command, separators=(",", ":")) for command in commands)
        return self.call_tool("batch", {"commands": lines})

    def list_tools(self, cursor: str | None = None) -> Message:
        """`tools/list`."""
        return self.request("tools/list", None if cursor is None else {"cursor": cursor})

    def listen(self) -> Message:
        """`subscriptions/listen`, which opens a standing stream in the modern era."""
        return self.request("subscriptions/listen", {"notifications": {"toolsListChanged": True}})

    def initialize(self) -> Message:
        """What opens a session."""
        params = {"protocolVersion": self.version, "capabilities": {}, "clientInfo": CLIENT}
        return messages.message("initialize", params)


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


PLAIN: Final = Dialect()
