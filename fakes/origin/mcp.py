"""The methods of the gateway's MCP server: one request in, one answer out.

both     tools/list, tools/call with run, get_module_schema, batch or a named tool, notifications (202)
legacy   initialize (gives an Mcp-Session-Id where sessions are kept), ping
modern   server/discover; `subscriptions/listen` is a stream and `fakes.origin.gateway`'s
An unknown method is the JSON-RPC error −32601 (HTTP 200, in the modern era 404), bad arguments are −32602.
A batch runs its commands at once, charges each under `<request id>/<n>`, and answers one JSON line a
command; its isError says that at least one failed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from fakes.http import rpc
from fakes.http.asgi import Reply
from fakes.http.reasons import RefusedError
from fakes.origin import eras, tools
from fakes.origin.sessions import HEADER, Sessions
from fakes.origin.tool_call import CallContext, ToolCaller, ToolResult, failure
from fakes.settings import NamedTool

CAPABILITIES: Final = {"tools": {"listChanged": False}}
QUESTION: Final = {
    "method": "elicitation/create",
    "params": {
        "message": "Go on?",
        "requestedSchema": {"type": "object", "properties": {"answer": {"type": "string"}}},
    },
}


class Mcp:
    """Answers requests; tool calls go through `caller`."""

    def __init__(self, caller: ToolCaller, sessions: Sessions) -> None:
        self._caller, self._sessions = caller, sessions

    async def answer(self, context: CallContext, request: rpc.Request) -> Reply:
        """The answer to one request. Raises RefusedError."""
        try:
            return await self._method(context, request)
        except tools.BadArgumentsError as error:
            return rpc.failure(request.id, rpc.INVALID_PARAMS, str(error))
        except rpc.RpcError as error:
            return rpc.failed(request.id, error)

    async def _method(self, context: CallContext, request: rpc.Request) -> Reply:
        match request.method:
            case "tools/call":
                return await self._tool(context, request)
            case "tools/list":
                listed = tools.listing(context.settings.upstreams, context.settings.mcp.tools)
                return rpc.result(request.id, _to_cache(context, listed))
        if request.method.startswith("notifications/"):
            return Reply(202, [], b"")
        return await self._of_era(context, request)

    async def _of_era(self, context: CallContext, request: rpc.Request) -> Reply:
        match context.era.name, request.method:
            case "legacy", "initialize":
                return await self._initialize(context, request)
            case "legacy", "ping":
                return rpc.result(request.id, {})
            case "modern", "server/discover":
                return rpc.result(request.id, _to_cache(context, _DISCOVERED))
        unknown = f"unknown method {request.method}"
        return rpc.failure(request.id, rpc.METHOD_NOT_FOUND, unknown, context.era.unknown_method)

    async def _initialize(self, context: CallContext, request: rpc.Request) -> Reply:
        wanted = request.params.get("protocolVersion")
        value = {
            "protocolVersion": wanted if wanted in eras.LEGACY_VERSIONS else eras.LEGACY_VERSIONS[0],
            "capabilities": CAPABILITIES,
            "serverInfo": eras.SERVER,
        }
        kept = context.settings.mcp.sessions
        if kept == "off":
            return rpc.result(request.id, value)
        session = await self._sessions.open(context.user, shared=kept == "shared")
        return rpc.result(request.id, value, [(HEADER, session.id.encode())])

    async def _tool(self, context: CallContext, request: rpc.Request) -> Reply:
        arguments = request.params.get("arguments", {})
        if not isinstance(arguments, dict):
            raise tools.BadArgumentsError("arguments: an object is allowed")
        name = request.params.get("name")
        match name:
            case "run":
                command = tools.command(arguments, context.settings.upstreams)
                return await self._call(context, request.id, command)
            case "batch":
                return await self._batch(context, request.id, arguments)
            case "get_module_schema":
                text = tools.module_schema(arguments, context.settings.upstreams)
                return rpc.text_result(request.id, text, marks=context.era.marks)
        named = context.settings.mcp.tools.get(name) if isinstance(name, str) else None
        if named is None:
            allowed = ", ".join(("run", "get_module_schema", "batch", *context.settings.mcp.tools))
            raise tools.BadArgumentsError(f"name: allowed are {allowed}")
        if context.era is eras.MODERN and _must_ask(named, request):
            asked = {**context.era.marks, "resultType": "input_required"}
            return rpc.result(request.id, {**asked, "inputRequests": {named.asks: QUESTION}})
        return await self._call(
            context, request.id, tools.named(named, arguments, context.settings.upstreams)
        )

    async def _call(self, context: CallContext, request_id: rpc.Id, command: tools.Command) -> Reply:
        result = await self._caller.call(context, command, context.request_id)
        timing = _timing([result])
        return rpc.text_result(request_id, result.text, result.is_error, timing, context.era.marks)

    async def _batch(self, context: CallContext, request_id: rpc.Id, arguments: dict[str, Any]) -> Reply:
        commands = tools.commands(arguments, context.settings.upstreams)
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._attempt(context, command, f"{context.request_id}/{number}"))
                for number, command in enumerate(commands, 1)
            ]
        ended = [task.result() for task in tasks]
        text = "\n".join(msgspec.json.encode(_line(one)).decode() for one in ended)
        results = [one for one in ended if isinstance(one, ToolResult)]
        failed = len(results) < len(ended) or any(result.is_error for result in results)
        return rpc.text_result(request_id, text, failed, _timing(results), context.era.marks)

    async def _attempt(
        self, context: CallContext, command: tools.Command, request_id: str
    ) -> ToolResult | RefusedError:
        try:
            return await self._caller.call(context, command, request_id)
        except RefusedError as refused:
            return refused


_DISCOVERED: Final = {"supportedVersions": eras.VERSIONS, "capabilities": CAPABILITIES}


def _to_cache(context: CallContext, value: dict[str, Any]) -> dict[str, Any]:
    """A list as its era has it: a modern one says how long it may be kept."""
    if context.era is eras.LEGACY:
        return value
    ttl = round(context.settings.mcp.ttl * 1000)
    return {**value, "ttlMs": ttl, "cacheScope": "public", **context.era.marks}


def _must_ask(tool: NamedTool, request: rpc.Request) -> bool:
    """Whether the user is still to be asked. Raises RpcError for a capability that the client lacks."""
    needed = [*tool.requires, *(["elicitation"] if tool.asks else [])]
    declared = eras.capabilities(request)
    missing: dict[str, Any] = {name: {} for name in needed if name not in declared}
    if missing:
        data = {"requiredCapabilities": missing}
        raise rpc.RpcError(rpc.MISSING_CAPABILITY, "Missing client capability", 400, data)
    answers = request.params.get("inputResponses")
    return bool(tool.asks) and not (isinstance(answers, dict) and tool.asks in answers)


def _line(ended: ToolResult | RefusedError) -> dict[str, Any]:
    if isinstance(ended, RefusedError):
        return failure(ended)
    return {"ok": not ended.is_error, "text": ended.text}


def _timing(results: Sequence[ToolResult]) -> list[tuple[bytes, bytes]]:
    told = [result.upstream_ms for result in results if result.upstream_ms is not None]
    return [(b"server-timing", b"upstream;dur=%.1f" % max(told))] if told else []
