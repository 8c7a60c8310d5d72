"""A server by the official Python SDK, which nobody here wrote; run by an interpreter that has it.

    PYTHON tests/support/sdk_server.py PORT [stateless] [json] [standby: it listens when stdin says so]

Tools `echo {text}` and `wait {seconds}`. `GET /counts` tells what came in: JSON-RPC methods, sessions given,
HTTP methods with their status.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from typing import Any

import uvicorn
from mcp.server import MCPServer  # type: ignore[import-not-found]

COUNTS: Counter[str] = Counter()
server = MCPServer("sdk", log_level="ERROR")


@server.tool()  # type: ignore[untyped-decorator]
def echo(text: str) -> str:
    """Say it again."""
    return text


@server.tool()  # type: ignore[untyped-decorator]
async def wait(seconds: float) -> str:
    """Take a while."""
    await asyncio.sleep(seconds)
    return "done"


class Counting:
    """Counts around the SDK's own application."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
        elif scope["path"] == "/counts":
            await _tell(send)
        else:
            await self._count(scope, receive, send)

    async def _count(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""

        async def heard() -> Any:
            nonlocal body
            message = await receive()
            body += message.get("body", b"")
            if message["type"] == "http.request" and not message.get("more_body") and body:
                COUNTS[str(json.loads(body).get("method"))] += 1
            return message

        async def said(message: Any) -> None:
            if message["type"] == "http.response.start":
                COUNTS[f"{scope['method']} {message['status']}"] += 1
                COUNTS["sessions"] += body.find(b'"initialize"') >= 0 and any(
                    name == b"mcp-session-id" for name, _ in message["headers"]
                )
            await send(message)

        await self.app(scope, heard, said)


async def _tell(send: Any) -> None:
    body = json.dumps(COUNTS).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


if __name__ == "__main__":
    if "standby" in sys.argv:
        sys.stdin.readline()
    app = server.streamable_http_app(stateless_http="stateless" in sys.argv, json_response="json" in sys.argv)
    uvicorn.run(Counting(app), host="127.0.0.1", port=int(sys.argv[1]), log_level="error")
