"""The Worker as its supervisor starts it, with two origins and an issuer made by the test."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from common.paths import ROOT
from fakes.http.asgi import Headers, Receive, Reply, Scope, Send, send_reply, whole_body
from fakes.http.hop import Hop, HopError
from fakes.http.server import Server

ISSUER = "us"
CALL = b'{"jsonrpc":"2.0","id":"seven","method":"tools/list"}'
PROTECTIONS = ["worker-cpu", "ip-limit", "jwks-cache", "burst-limit"]
# Windows that do not turn within a test.
SETTINGS: dict[str, Any] = {"edge": {"burst_window": 3600.0, "ip_window": 1e6}}
Counts = dict[str, float]


class Signer:
    """A key of the issuer."""

    def __init__(self, kid: str, algorithm: str, private: Any, public: dict[str, Any]) -> None:
        self.kid, self.algorithm, self.private = kid, algorithm, private
        self.jwk = {**public, "kid": kid, "alg": algorithm, "use": "sig"}

    def token(self, sub: Any = "ann", **claims: Any) -> bytes:
        whole = {"sub": sub, "iss": ISSUER, "exp": time.time() + 600, **claims}
        return jwt.encode(whole, self.private, self.algorithm, {"kid": self.kid}).encode()


def signers() -> dict[str, Signer]:
    """One of each algorithm."""
    eddsa, es256 = Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP256R1())
    rs256 = rsa.generate_private_key(65537, 2048)
    return {
        "EdDSA": Signer("ed", "EdDSA", eddsa, json.loads(OKPAlgorithm.to_jwk(eddsa.public_key()))),
        "ES256": Signer("es", "ES256", es256, ECAlgorithm.to_jwk(es256.public_key(), as_dict=True)),
        "RS256": Signer("rs", "RS256", rs256, RSAAlgorithm.to_jwk(rs256.public_key(), as_dict=True)),
    }


SIGNERS = signers()


class Origin:
    """Echoes what it got and publishes the key set; `hold` keeps calls back."""

    def __init__(self) -> None:
        self.hold = asyncio.Event()
        self.hold.set()
        self.seen: list[dict[bytes, bytes]] = []
        self.left, self.came = asyncio.Event(), asyncio.Event()
        self.fetches, self.healthy, self.jwks_status = 0, True, 200

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/jwks":
            self.fetches += 1
            keys = {"keys": [signer.jwk for signer in SIGNERS.values()]}
            return await send_reply(send, Reply(self.jwks_status, [], json.dumps(keys).encode()))
        if scope["path"] == "/health":
            return await send_reply(send, Reply(200 if self.healthy else 503, [], b'{"status":"ok"}'))
        self.seen.append({**dict(scope["headers"]), b":path": scope["path"].encode()})
        self.came.set()
        try:
            await self.hold.wait()
        except asyncio.CancelledError:
            self.left.set()
            raise
        body = await whole_body(scope, receive)
        return await send_reply(send, Reply(200, [(b"x-instance-id", b"one")], b"got " + body))


class Rig:
    """The whole of it. `module` is what is started: the Worker, or the Python edge to hold it against."""

    def __init__(self, folder: Path, module: str = "fakes.edge_worker", **config: Any) -> None:
        self.folder, self.module, self.given = folder, module, config
        self.a, self.b = Origin(), Origin()
        self._servers: list[tuple[Server, asyncio.Server]] = []

    async def start(self) -> Rig:
        addresses = {"origin-a": await self.listen(self.a), "origin-b": await self.listen(self.b)}
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", 0))
        self.address = listening.getsockname()
        config = {
            "control_token": "secret", "gateway_secret": "between us", "issuer": ISSUER,
            "addresses": addresses, "jwks_url": f"http://127.0.0.1:{addresses['origin-a'][1]}/jwks",
            "protections": PROTECTIONS, "settings": SETTINGS, **self.given,
        }  # fmt: skip
        path = self.folder / "stack.json"
        path.write_text(json.dumps(config))
        theirs, self.life = os.pipe()
        fds = (listening.fileno(), theirs)
        words = ["--config", str(path), "--name", "edge", "--fd", str(fds[0]), "--life-fd", str(fds[1])]
        with listening, (self.folder / "errors").open("ab") as errors:
            self.process = subprocess.Popen(  # noqa: ASYNC220
                [sys.executable, "-m", self.module, *words], pass_fds=fds, cwd=ROOT, stderr=errors
            )
        os.close(theirs)
        self.hop = Hop(*self.address)
        await self.ready()
        return self

    async def ready(self) -> None:
        while True:
            try:
                if (await self.hop.request(b"GET", b"/metrics", timeout=5.0)).status == 200:
                    return
            except HopError:
                pass
            if self.process.poll() is not None:
                raise RuntimeError(self.errors())
            await asyncio.sleep(0.01)

    async def listen(self, app: Any, sock: socket.socket | None = None) -> tuple[str, int]:
        sock = sock or socket.create_server(("127.0.0.1", 0))
        server = Server(app)
        self._servers.append((server, await server.listen(sock)))
        host, port = sock.getsockname()
        return host, port

    def errors(self) -> str:
        return (self.folder / "errors").read_text()

    def let_go(self) -> None:
        if self.life >= 0:
            os.close(self.life)
            self.life = -1

    async def stop(self) -> None:
        self.hop.close()
        self.let_go()
        self.process.kill()
        self.process.wait()
        for kept, server in self._servers:
            server.close()
            kept.break_off()
            await server.wait_closed()
        await asyncio.sleep(0.01)  # transports close on the loop's next turns

    async def die(self, number: int) -> None:
        """An origin's listener and connections go away."""
        kept, server = self._servers[number]
        server.close()
        kept.break_off()
        await server.wait_closed()

    async def call(
        self, *headers: tuple[bytes, bytes], token: bytes | None = None, path: bytes = b"/v1/mcp"
    ) -> Reply:
        bearer = (b"authorization", b"Bearer " + (token or SIGNERS["EdDSA"].token()))
        return await self.hop.request(b"POST", path, [bearer, *headers], CALL, 20.0)

    async def control(self, command: bytes, body: object = None, token: bytes = b"secret") -> tuple[int, Any]:
        headers: Headers = [(b"x-control-token", token)]
        method = b"GET" if command == b"state" else b"POST"
        reply = await self.hop.request(
            method, b"/_control/" + command, headers, json.dumps(body or {}).encode(), 20.0
        )
        return reply.status, msgspec.json.decode(reply.body)

    async def metrics(self) -> Counts:
        text = (await self.hop.request(b"GET", b"/metrics", timeout=20.0)).body.decode()
        lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
        return {name: float(value) for name, _, value in lines}


def reason(reply: Reply) -> str:
    return str(msgspec.json.decode(reply.body)["error"]["data"]["reason"])


def message(reply: Reply) -> str:
    return str(msgspec.json.decode(reply.body)["error"]["message"])
