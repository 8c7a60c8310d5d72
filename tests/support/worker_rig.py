"""The Worker as its supervisor starts it, with two origins and an issuer made by the test."""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, get_args

import jwt
import msgspec
import psutil

from common.paths import ROOT
from fakes.edge_worker import install
from fakes.http.asgi import Receive, Reply, Scope, Send, send_reply, whole_body
from fakes.http.hop import Hop, HopError
from fakes.http.server import HttpServer
from fakes.processes.sockets import HOST, Address
from fakes.settings import StackSettings
from targets.auth import Algorithm, Auth
from tests.support import needs
from tests.support.streaming_origin import Streaming
from users.accounts.accounts import Account
from users.accounts.forge import Forge
from users.accounts.keys import fresh_key

DROP_FROM_BOUNDING_SET: Final = 24  # PR_CAPBSET_DROP
MAY_RAISE_LIMITS: Final = 24  # CAP_SYS_RESOURCE
WORKERD = install.installed()
NO_WORKERD = f"{needs.SKIPPED}workerd (runs the Worker): make real"
ISSUER = "us"
CALL = b'{"jsonrpc":"2.0","id":"seven","method":"tools/list"}'
PROTECTIONS = ["worker-cpu", "ip-limit", "jwks-cache", "burst-limit"]
# Windows that do not turn within a test.
SETTINGS: dict[str, Any] = {"edge": {"burst_window": 3600.0, "ip_window": 1e6}}


SIGNERS = {name: fresh_key(name, f"key-{name}") for name in get_args(Algorithm) if name != "HS256"}
JWKS = {"keys": [key.jwks()["keys"][0] for key in SIGNERS.values()]}


def forged(kind: str, serial: int) -> bytes:
    """An Authorization header with a bad token of `users.accounts.forge`."""
    forge = Forge(Auth(issuer=ISSUER, claims={"sub": "{account}"}), SIGNERS["EdDSA"])
    return forge.make(kind, Account(0, "ann", "1.1.1.1", "unlimited", 0), serial)


def token(sub: Any = "ann", algorithm: str = "EdDSA", kid: str | None = None, **claims: Any) -> bytes:
    """A sound token of the issuer, but for what is told otherwise."""
    key = SIGNERS[algorithm]
    whole = {"sub": sub, "iss": ISSUER, "exp": time.time() + 600, **claims}
    return jwt.encode(whole, key.private, algorithm, {"kid": kid or key.kid}).encode()


class EchoOrigin:
    """Echoes, and publishes the key set; `hold` keeps calls back, `streaming` answers them instead."""

    def __init__(self) -> None:
        self.hold = asyncio.Event()
        self.hold.set()
        self.seen: list[dict[bytes, bytes]] = []
        self.left, self.came = asyncio.Event(), asyncio.Event()
        self.fetches, self.healthy, self.jwks_status = 0, True, 200
        self.streaming: Streaming | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/jwks":
            self.fetches += 1
            return await send_reply(send, Reply(self.jwks_status, [], json.dumps(JWKS).encode()))
        if scope["path"] == "/health":
            return await send_reply(send, Reply(200 if self.healthy else 503, [], b'{"status":"ok"}'))
        self.seen.append({**dict(scope["headers"]), b":path": scope["path"].encode()})
        self.came.set()
        if self.streaming is not None:
            return await self.streaming(scope, receive, send)
        try:
            await self.hold.wait()
        except asyncio.CancelledError:
            self.left.set()
            raise
        body = await whole_body(scope, receive)
        return await send_reply(send, Reply(200, [(b"x-instance-id", b"one")], b"got " + body))


class EdgeProcess:
    """An edge as its supervisor starts it: the Worker, or by `module` the Python edge to hold it against.

    `files`: as many open files as its processes may have.
    """

    def __init__(
        self, folder: Path, module: str = "fakes.edge_worker", files: int | None = None, **config: Any
    ) -> None:
        self.folder = folder
        self.addresses = {name: Address(name) for name in ("edge", "origin-a", "origin-b")}
        origins = {name: (HOST, self.addresses[name].port) for name in ("origin-a", "origin-b")}
        whole = {
            "control_token": "secret", "gateway_secret": "between us", "issuer": ISSUER, "addresses": origins,
            "jwks_url": f"{self.addresses['origin-a'].base_url}/jwks", **config,
        }  # fmt: skip
        path = folder / "stack.json"
        path.write_text(json.dumps(whole))
        theirs, self.life = os.pipe()
        with self.addresses["edge"].socket() as sock, (folder / "errors").open("ab") as errors:
            fds = (sock.fileno(), theirs)
            words = ["--config", str(path), "--name", "edge", "--fd", str(fds[0]), "--life-fd", str(fds[1])]
            self.process = subprocess.Popen(
                [sys.executable, "-m", module, *words], pass_fds=fds, cwd=ROOT, stderr=errors,
                preexec_fn=None if files is None else partial(_lower_file_limit, files),  # noqa: PLW1509
            )  # fmt: skip
        os.close(theirs)

    @property
    def pid(self) -> int:
        return self.process.pid

    def errors(self) -> str:
        return (self.folder / "errors").read_text()

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.pid).children(recursive=True)

    async def wait(self) -> int:
        return await asyncio.to_thread(self.process.wait, 10)

    def let_go(self) -> None:
        if self.life >= 0:
            os.close(self.life)
            self.life = -1

    def end(self) -> None:
        self.let_go()
        self.process.kill()
        self.process.wait()
        for address in self.addresses.values():
            address.close()


def _lower_file_limit(files: int) -> None:
    """For a child between fork and exec; also root can raise it no more."""
    ctypes.CDLL(None).prctl(DROP_FROM_BOUNDING_SET, MAY_RAISE_LIMITS)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))


class EdgeRig:
    """Two origins for a process that runs, which begins anew: settings, protections, all forgotten."""

    def __init__(self, edge: EdgeProcess) -> None:
        self.edge, self.a, self.b = edge, EchoOrigin(), EchoOrigin()
        self.address = (HOST, edge.addresses["edge"].port)
        self.hop = Hop(*self.address)
        self._servers: list[tuple[HttpServer, asyncio.Server]] = []

    async def start(
        self, protections: Sequence[str] = PROTECTIONS, settings: Mapping[str, Any] = SETTINGS
    ) -> EdgeRig:
        for name, origin in (("origin-a", self.a), ("origin-b", self.b)):
            server = HttpServer(origin)
            self._servers.append((server, await server.listen(self.edge.addresses[name].socket())))
        await self.ready()
        await self.control(b"settings", StackSettings.model_validate(settings).model_dump())
        await self.control(b"protections", {"names": protections})
        await self.control(b"reset")
        return self

    async def ready(self) -> None:
        while await self._status() != 200:
            if self.edge.process.poll() is not None:
                raise RuntimeError(self.edge.errors())
            await asyncio.sleep(0.01)

    async def _status(self) -> int:
        try:
            return (await self.hop.request(b"GET", b"/metrics", timeout=5.0)).status
        except HopError:
            return 0

    async def stop(self) -> None:
        self.hop.close()
        for number in range(len(self._servers)):
            await self.die(number)
        await asyncio.sleep(0.01)  # transports close on the loop's next turns

    async def die(self, number: int) -> None:
        """An origin's listener and connections go away."""
        kept, server = self._servers[number]
        server.close()
        kept.break_off()
        await server.wait_closed()

    async def call(
        self, *headers: tuple[bytes, bytes], bearer: bytes | None = None, path: bytes = b"/v1/mcp"
    ) -> Reply:
        """A call of ann's, unless `bearer` is another's token."""
        authorization = (b"authorization", b"Bearer " + (bearer or token()))
        return await self.post(authorization, *headers, path=path)

    async def post(self, *headers: tuple[bytes, bytes], path: bytes = b"/v1/mcp") -> Reply:
        return await self.hop.request(b"POST", path, headers, CALL, 20.0)

    async def health(self) -> int:
        return (await self.hop.request(b"GET", b"/health", timeout=20.0)).status

    async def control(self, command: bytes, body: object = None, key: bytes = b"secret") -> tuple[int, Any]:
        method = b"GET" if command == b"state" else b"POST"
        reply = await self.hop.request(
            method,
            b"/_control/" + command,
            [(b"x-control-token", key)],
            json.dumps(body or {}).encode(),
            20.0,
        )
        return reply.status, msgspec.json.decode(reply.body)

    async def metrics(self) -> dict[str, float]:
        text = (await self.hop.request(b"GET", b"/metrics", timeout=20.0)).body.decode()
        lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
        return {name: float(value) for name, _, value in lines}


def reason(reply: Reply) -> str:
    return str(msgspec.json.decode(reply.body)["error"]["data"]["reason"])


def message(reply: Reply) -> str:
    return str(msgspec.json.decode(reply.body)["error"]["message"])
