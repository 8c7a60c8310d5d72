"""The gateway's path in-process: a scripted tool call behind the real secret, limit, eras and wire."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

from fakes.control.state import Snapshot
from fakes.http.asgi import Answer, Headers, Reply, StreamReply
from fakes.http.metrics import Metrics
from fakes.origin.eras import CAPABILITIES_KEY, MODERN_VERSION, VERSION_KEY
from fakes.origin.gateway import Gateway
from fakes.origin.mcp import Mcp
from fakes.origin.memory import OriginMemory
from fakes.origin.metrics import OriginMetrics
from fakes.origin.nano import Nano
from fakes.origin.sessions import Sessions
from fakes.origin.streams import StandingStreams
from fakes.origin.tool_call import CallContext, ToolResult
from fakes.origin.tools import Command
from fakes.settings import StackSettings

NOW = 630.0
ToolCall = Callable[[CallContext, Command, str], Awaitable[Any]]
RUN: dict[str, Any] = {
    "method": "tools/call",
    "params": {"name": "run", "arguments": {"module": "fast", "tool": "echo"}},
}


class SessionTable:
    """The database's table of sessions, which several gateways may share."""

    def __init__(self) -> None:
        self.rows: dict[str, str] = {}

    async def value(self, query: str, session_id: str, user: str = "") -> str | None:
        if query.startswith("INSERT"):
            self.rows[session_id] = user
        if query.startswith("DELETE"):
            self.rows.pop(session_id)
        return self.rows.get(session_id)


class GatewayRig:
    """One gateway. `does` answers tool calls, `contexts` are those it saw.

    A request came `waited` seconds before the gateway gets it.
    `went_on` are the calls that outlived their callers.
    """

    def __init__(
        self, *protections: str, settings: dict[str, Any] | None = None, table: SessionTable | None = None
    ) -> None:
        self.snapshot = Snapshot(frozenset(protections), StackSettings.model_validate(settings or {}))
        metrics = Metrics()
        memory = OriginMemory(self.snapshot.settings, protections, lambda: NOW, lambda: NOW)
        nano = Nano(
            self.snapshot.settings.nano, lambda: NOW, lambda _d, _c: None, lambda _l: None, lambda: None
        )
        self.metrics = metrics
        self.contexts: list[tuple[CallContext, str]] = []
        self.does: ToolCall | None = None
        self.waited = 0.0
        self.sessions = Sessions(table or SessionTable(), metrics)  # type: ignore[arg-type]
        self.went_on: list[asyncio.Task[Reply]] = []
        mcp: Any = Mcp(self, self.sessions)  # type: ignore[arg-type]
        counted = OriginMetrics(metrics, nano, memory, ())
        streams = StandingStreams(metrics)
        self.gateway = Gateway("secret", memory, mcp, counted, self.sessions, streams, self.went_on.append)

    async def call(self, context: CallContext, command: Command, request_id: str) -> Any:
        self.contexts.append((context, request_id))
        if self.does is not None:
            return await self.does(context, command, request_id)
        return ToolResult("pong", False, 7.0)

    async def post(self, body: bytes | dict[str, Any], **headers: str) -> Reply:
        reply = await self.ask(body, **headers)
        assert isinstance(reply, Reply)
        return reply

    async def stream(self, body: dict[str, Any], **headers: str) -> StreamReply:
        reply = await self.ask(body, **headers)
        assert isinstance(reply, StreamReply)
        return reply

    async def ask(self, body: bytes | dict[str, Any], **headers: str) -> Answer:
        raw = body if isinstance(body, bytes) else json.dumps({"jsonrpc": "2.0", "id": 7, **body}).encode()
        came = time.monotonic() - self.waited
        return await self.gateway.answer(self.snapshot, _lines(headers), raw, came)

    async def modern(self, method: str, params: dict[str, Any] | None = None, **headers: str) -> Answer:
        """A request of the modern era; a header given here replaces the right one, "" leaves it out."""
        meta = {VERSION_KEY: MODERN_VERSION, CAPABILITIES_KEY: {}, **(params or {}).get("_meta", {})}
        whole = {**(params or {}), "_meta": meta}
        said = {"mcp_protocol_version": MODERN_VERSION, "mcp_method": method}
        if "name" in whole:
            said["mcp_name"] = whole["name"]
        return await self.ask({"method": method, "params": whole}, **{**said, **headers})

    async def beside(self, method: str, **headers: str) -> Answer:
        return await self.gateway.beside(self.snapshot, method, _lines(headers))

    async def opened(self, **headers: str) -> str:
        """The id of a new session."""
        reply = await self.post({"method": "initialize", "params": {}}, **headers)
        return dict(reply.headers)[b"mcp-session-id"].decode()

    def value(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(name, labels) or 0.0


def _lines(headers: dict[str, str]) -> Headers:
    """One line for each line of a value; none for an empty value."""
    named = {"x-gateway-secret": "secret", "x-user-id": "u"}
    named |= {key.replace("_", "-"): value for key, value in headers.items()}
    return [(key.encode(), line.encode()) for key, value in named.items() for line in value.splitlines()]


def said(reply: Answer) -> dict[str, Any]:
    """The body of a whole answer."""
    assert isinstance(reply, Reply)
    found: dict[str, Any] = json.loads(reply.body)
    return found


def refusal(reply: Answer) -> tuple[int, int]:
    """The HTTP status and the JSON-RPC code of an error."""
    return reply.status, said(reply)["error"]["code"]
