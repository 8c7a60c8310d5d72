"""The methods of the gateway's MCP server: one request in, one answer out.

initialize (gives an Mcp-Session-Id), ping, tools/list, tools/call with run, get_module_schema and
batch, notifications (202). An unknown method is HTTP 200 with the JSON-RPC error −32601, as are bad
arguments with −32602. A batch runs its commands at once, charges each under `<request id>/<n>`, and
answers one JSON line a command; its isError says that at least one failed.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from fakes.http import rpc
from fakes.http.asgi import Reply
from fakes.http.reasons import RefusedError
from fakes.origin import tools
from fakes.origin.tool_call import CallContext, ToolCaller, ToolResult, failure

PROTOCOL: Final = "2025-06-18"
SERVER: Final = {"name": "mcpist", "version": "1.0.0"}


class Mcp:
    """Answers requests; tool calls go through `caller`."""

    def __init__(self, caller: ToolCaller) -> None:
        self._caller = caller

    async def answer(self, context: CallContext, request: rpc.Request) -> Reply:
        """The answer to one request. Raises RefusedError."""
        try:
            return await self._method(context, request)
        except tools.BadArgumentsError as error:
            return rpc.failure(request.id, rpc.INVALID_PARAMS, str(error))

    async def _method(self, context: CallContext, request: rpc.Request) -> Reply:
        match request.method:
            case "tools/call":
                return await self._tool(context, request)
            case "tools/list":
                return rpc.result(request.id, tools.listing(context.settings.upstreams))
            case "initialize":
                return _initialized(request)
            case "ping":
                return rpc.result(request.id, {})
        if request.method.startswith("notifications/"):
            return Reply(202, [], b"")
        return rpc.failure(request.id, rpc.METHOD_NOT_FOUND, f"unknown method {request.method}")

    async def _tool(self, context: CallContext, request: rpc.Request) -> Reply:
        arguments = request.params.get("arguments", {})
        if not isinstance(arguments, dict):
            raise tools.BadArgumentsError("arguments: an object is allowed")
        match request.params.get("name"):
            case "run":
                return await self._run(context, request.id, arguments)
            case "batch":
                return await self._batch(context, request.id, arguments)
            case "get_module_schema":
                return rpc.text_result(request.id, tools.module_schema(arguments, context.settings.upstreams))
        raise tools.BadArgumentsError("name: run, get_module_schema or batch is allowed")

    async def _run(self, context: CallContext, request_id: rpc.Id, arguments: dict[str, Any]) -> Reply:
        command = tools.command(arguments, context.settings.upstreams)
        result = await self._caller.call(context, command, context.request_id)
        return rpc.text_result(request_id, result.text, result.is_error, _timing([result]))

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
        return rpc.text_result(request_id, text, failed, _timing(results))

    async def _attempt(
        self, context: CallContext, command: tools.Command, request_id: str
    ) -> ToolResult | RefusedError:
        try:
            return await self._caller.call(context, command, request_id)
        except RefusedError as refused:
            return refused


def _line(ended: ToolResult | RefusedError) -> dict[str, Any]:
    if isinstance(ended, RefusedError):
        return failure(ended)
    return {"ok": not ended.is_error, "text": ended.text}


def _initialized(request: rpc.Request) -> Reply:
    wanted = request.params.get("protocolVersion")
    value = {
        "protocolVersion": wanted if isinstance(wanted, str) else PROTOCOL,
        "capabilities": {"tools": {"listChanged": False}},
        "serverInfo": SERVER,
    }
    return rpc.result(request.id, value, [(b"mcp-session-id", secrets.token_hex(16).encode())])


def _timing(results: Sequence[ToolResult]) -> list[tuple[bytes, bytes]]:
    told = [result.upstream_ms for result in results if result.upstream_ms is not None]
    return [(b"server-timing", b"upstream;dur=%.1f" % max(told))] if told else []
