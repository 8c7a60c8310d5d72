"""A part of the stack for tests: embedded Postgres, the upstreams and origins, without an edge."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import asyncpg

from common.paths import ROOT
from fakes.database import pool
from fakes.database.postgres import EmbeddedPostgres
from fakes.http.asgi import Headers, Reply
from fakes.http.hop import Hop
from fakes.settings import PartsSettings, StackSettings
from fakes.stack import credentials, programs

PARTS = PartsSettings()  # a test that is for every kind of origin sets another


class OriginRig:
    """What runs, and how to talk to it."""

    def __init__(self, postgres: EmbeddedPostgres) -> None:
        self.postgres = postgres
        self.identity = credentials.Identity()
        self.addresses: dict[str, tuple[str, int]] = {}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.hops: dict[str, Hop] = {}

    async def request(
        self, name: str, method: str, path: str, body: bytes = b"", headers: Headers | None = None
    ) -> Reply:
        return await self.hops[name].request(method.encode(), path.encode(), headers or [], body, 30)

    async def rpc(
        self,
        method: str,
        params: Mapping[str, Any] | None = None,
        name: str = "origin-a",
        user: str = "u",
        **headers: str,
    ) -> Reply:
        """A JSON-RPC call as the edge sends it on."""
        all_headers = {"x-gateway-secret": self.identity.gateway_secret, "x-user-id": user, **headers}
        pairs = [(key.replace("_", "-").encode(), value.encode()) for key, value in all_headers.items()]
        body = json.dumps({"jsonrpc": "2.0", "id": 7, "method": method, "params": params or {}}).encode()
        return await self.request(name, "POST", "/v1/mcp", body, pairs)

    async def run(self, module: str = "fast", tool: str = "echo", **more: str) -> Reply:
        arguments = {"module": module, "tool": tool, "params": {}}
        return await self.rpc("tools/call", {"name": "run", "arguments": arguments}, **more)

    async def control(self, name: str, command: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        token = [(b"x-control-token", self.identity.control_token.encode())]
        reply = await self.request(
            name, "POST", f"/_control/{command}", json.dumps(body or {}).encode(), token
        )
        assert reply.status == 200, reply.body
        state: dict[str, Any] = json.loads(reply.body)
        return state

    async def fault(self, name: str, *faults: str, **options: Any) -> None:
        await self.control(
            name, "faults", {"faults": [{"id": fault, "fault": fault, **options} for fault in faults]}
        )

    async def metric(self, name: str, sample: str) -> float:
        text = (await self.request(name, "GET", "/metrics")).body.decode()
        found = [line for line in text.splitlines() if line.startswith(sample + " ")]
        return float(found[0].rpartition(" ")[2]) if found else 0.0

    async def sql(self, query: str) -> Any:
        connection = await asyncpg.connect(self.postgres.dsn())
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()


def data(reply: Reply) -> dict[str, Any]:
    """A JSON-RPC answer's body."""
    body: dict[str, Any] = json.loads(reply.body)
    return body


def reason(reply: Reply) -> str:
    found: str = data(reply)["error"]["data"]["reason"]
    return found


async def until(condition: Any, seconds: float = 20.0) -> None:
    """Wait until an async condition holds."""
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - it is another process that changes
            await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def rig(
    settings: Mapping[str, Any] | None = None,
    protections: tuple[str, ...] = (),
    names: tuple[str, ...] = ("upstream", "origin-a"),
    postgres: EmbeddedPostgres | None = None,
    dsn: str | None = None,
) -> AsyncIterator[OriginRig]:
    """Start the named processes; everything is gone afterwards."""
    with _postgres(postgres) as server, tempfile.TemporaryDirectory() as folder:
        made = OriginRig(server)
        await pool.install(server.dsn())
        sockets = {name: socket.create_server(("127.0.0.1", 0), backlog=4096) for name in names}
        made.addresses = {name: ("127.0.0.1", sock.getsockname()[1]) for name, sock in sockets.items()}
        path = Path(folder) / "stack.json"
        path.write_text(json.dumps(_config(made, settings or {}, protections, dsn or server.dsn("mcpist"))))
        reading, writing = os.pipe()
        try:
            for name, sock in sockets.items():
                made.processes[name] = _start(name, path, sock, reading)
                made.hops[name] = Hop(*made.addresses[name])
                sock.close()
            await asyncio.gather(*(made.request(name, "GET", "/metrics") for name in names))
            yield made
        finally:
            os.close(writing)
            os.close(reading)
            for process in made.processes.values():
                process.wait(10)
            for hop in made.hops.values():
                hop.close()
            await asyncio.sleep(0)


@contextlib.contextmanager
def _postgres(given: EmbeddedPostgres | None) -> Iterator[EmbeddedPostgres]:
    if given is not None:
        yield given
        return
    server = EmbeddedPostgres()
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _start(name: str, path: Path, sock: socket.socket, life: int) -> subprocess.Popen[bytes]:
    fd = sock.fileno()
    options = {"--config": path, "--fd": fd, "--name": name, "--life-fd": life}
    words = [str(word) for pair in options.items() for word in pair]
    return subprocess.Popen([*programs.command(name, PARTS), *words], pass_fds=(fd, life), cwd=ROOT)


def _config(
    made: OriginRig, settings: Mapping[str, Any], protections: tuple[str, ...], dsn: str
) -> dict[str, Any]:
    signing = made.identity.signing
    return {
        "settings": StackSettings.model_validate(settings).model_dump(),
        "protections": protections,
        "addresses": made.addresses,
        "control_token": made.identity.control_token,
        "gateway_secret": made.identity.gateway_secret,
        "issuer": signing.issuer,
        "jwks_url": "http://127.0.0.1:9/unused",
        "jwks": signing.jwks(),
        "signing_key": signing.key,
        "db_dsn": dsn,
    }
