"""The usual answers of a gateway, right or wrong, as JSON-RPC has them."""

from __future__ import annotations

import json
from typing import Any

from tests.support.truth.server import Answer, Request


def plain(value: Any) -> bytes:
    return json.dumps(value).encode()


def result(request: Request, **more: Any) -> dict[str, Any]:
    """A tool's success as data."""
    content = [{"type": "text", "text": "hello"}]
    return {"jsonrpc": "2.0", "id": request.id, "result": {"content": content, "isError": False}, **more}


def ok(request: Request, *headers: tuple[str, str]) -> Answer:
    """A tool's success; a notification gets its 202."""
    if request.id is None:
        return Answer(status=202)
    return Answer(plain(result(request)), headers=headers)


def refused(
    request: Request, status: int, reason: str, *headers: tuple[str, str], message: str = "no"
) -> Answer:
    """A refusal or an error with the reason that the suite knows."""
    error = {"code": -32000, "message": message, "data": {"reason": reason}}
    return Answer(plain({"jsonrpc": "2.0", "id": request.id, "error": error}), status, headers=headers)


def health(request: Request) -> Answer | None:
    """200 to a look at the health; None: it is none."""
    return Answer(plain({"status": "ok"})) if request.path == "/health" else None
