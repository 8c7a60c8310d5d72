"""A bare origin of somebody else's: no edge before it, no code of the suite in it.

    python -m tests.support.bare_origin --jwks http://127.0.0.1:9999/.well-known/jwks.json [--limit 10] \\
        [--server cloudflare]

It takes MCP calls with a gateway token (EdDSA, at most `LONGEST` seconds of life) in `X-Gateway-Token`,
checks it against the key set at `--jwks`, and lets each user through `--limit` times in any second (a sliding
window). What it refuses with 429 has no reason of the suite's in it. The first line on stdout is its port; it
ends when stdin closes. `GET /_stats` tells what it saw, `GET /metrics` a little of it, in names of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import sys
import time
import urllib.request
from collections import Counter, deque
from typing import Any, Final

import jwt
import uvicorn

LONGEST: Final = 30  # seconds that a token may live
WINDOW: Final = 1.0
OK: Final = {"content": [{"type": "text", "text": "hello"}], "isError": False}


class RefusedError(Exception):
    """A call is turned away: status, then why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status, self.why = status, why


class Keys:
    """The published keys, fetched when first needed and again for a key id that is not among them."""

    def __init__(self, url: str) -> None:
        self.fetches = 0
        self._url = url
        self._found: dict[str, Any] = {}

    async def get(self, kid: str) -> Any:
        if kid not in self._found:
            text = await asyncio.to_thread(self._fetch)
            self._found = {str(key.key_id): key.key for key in jwt.PyJWKSet.from_dict(json.loads(text)).keys}
        if kid not in self._found:
            raise RefusedError(401, "unknown key id")
        return self._found[kid]

    def _fetch(self) -> bytes:
        self.fetches += 1
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(self._url, timeout=5) as answer:
            return bytes(answer.read())


class Origin:
    """The ASGI application."""

    def __init__(self, keys: Keys, limit: int) -> None:
        self.seen: Counter[str] = Counter()  # "status why" → how often
        self.tokens: dict[str, set[str]] = {}  # user → different tokens
        self.methods: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()  # user → 429s
        self.admitted: Counter[str] = Counter()
        self.looks = 0  # at the metrics
        self.times: list[float] = []  # of every call, monotonic seconds
        self._keys, self._limit = keys, limit
        self._lately: dict[str, deque[float]] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/_stats":
            return await answer(send, 200, self.stats())
        if scope["path"] == "/health":
            self.seen["200 health"] += 1
            return await answer(send, 200, {"status": "ok"})
        if scope["path"] == "/metrics":
            self.looks += 1
            text = f"# TYPE their_calls counter\ntheir_calls_total {len(self.times)}\n"
            return await answer(send, 200, text.encode())
        self.times.append(time.monotonic())
        body = await read(receive)
        try:
            call = json.loads(body)
            user = await self._user(dict(scope["headers"]).get(b"x-gateway-token", b"").decode())
            self._admit(user)
            self.methods[call["method"]] += 1
            self.seen["200 ok"] += 1
            return await answer(send, 200, {"jsonrpc": "2.0", "id": call.get("id"), "result": OK})
        except RefusedError as refused:
            self.seen[f"{refused.status} {refused.why}"] += 1
            again = [(b"retry-after", b"1")] if refused.status == 429 else []
            return await answer(send, refused.status, {"error": refused.why}, again)

    async def _user(self, token: str) -> str:
        try:
            kid = jwt.get_unverified_header(token).get("kid", "")
            claims = jwt.decode(
                token, await self._keys.get(kid), algorithms=["EdDSA"], issuer="mcpist-gateway",
                options={"require": ["sub", "iss", "iat", "exp"]},
            )  # fmt: skip
        except jwt.ExpiredSignatureError:
            raise RefusedError(401, "expired") from None
        except (jwt.InvalidTokenError, ValueError) as error:
            raise RefusedError(401, type(error).__name__) from None
        if claims["exp"] - claims["iat"] > LONGEST:
            raise RefusedError(401, "lives too long")
        self.tokens.setdefault(claims["sub"], set()).add(token)
        return str(claims["sub"])

    def _admit(self, user: str) -> None:
        now, lately = time.monotonic(), self._lately.setdefault(user, deque())
        while lately and lately[0] <= now - WINDOW:
            lately.popleft()
        if len(lately) >= self._limit:
            self.refused[user] += 1
            raise RefusedError(429, "slow down")
        lately.append(now)
        self.admitted[user] += 1

    def stats(self) -> dict[str, Any]:
        tokens = {user: len(found) for user, found in self.tokens.items()}
        return {
            "seen": self.seen, "methods": self.methods, "tokens": tokens, "refused": self.refused,
            "admitted": self.admitted, "fetches": self._keys.fetches,
            "times": self.times, "looks": self.looks,
        }  # fmt: skip


async def read(receive: Any) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    return body


async def answer(
    send: Any, status: int, value: Any, headers: list[tuple[bytes, bytes]] | None = None
) -> None:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    lines = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*lines, *(headers or [])]})
    await send({"type": "http.response.body", "body": body})


async def serve(origin: Origin, server_name: str) -> None:
    """Serve on a free port until stdin closes."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        origin, log_level="critical", lifespan="off", server_header=False, headers=[("Server", server_name)]
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    print(listener.getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    server.should_exit = server.force_exit = True
    await serving


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--jwks", required=True)
    parser.add_argument("--limit", type=int, default=10)
    parser.add_argument("--server", default="theirs")
    options = parser.parse_args()
    asyncio.run(serve(Origin(Keys(options.jwks), options.limit), options.server))


if __name__ == "__main__":
    main()
