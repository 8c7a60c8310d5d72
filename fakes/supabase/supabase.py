"""The issuer: its key set, and tokens for hand use. `python -m fakes.supabase …`, see `fakes.http.serve`.

    GET  /auth/v1/.well-known/jwks.json     the set of the configuration, and an ES256 key made here:
                                            an issuer in rotation has more than one. While the fault
                                            `key-unpublished` is in force it lacks the configuration's
    POST /auth/v1/token                     {"sub": …, "tier"?: …, "ttl"?: seconds (3600), "alg"?:
                                            "EdDSA" (default) or "ES256"} → {"access_token", "token_type"}
400 with one line for a bad body. Whoever asks gets a token: it is a fake, on loopback.
"""

from __future__ import annotations

import json
import time
from typing import Annotated, Any, Final, Literal

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from fakes import faults
from fakes.control.process_config import JWKS_PATH, StackConfig
from fakes.control.state import Control
from fakes.http import serve
from fakes.http.asgi import JSON, Receive, Reply, Scope, Send, send_reply, whole_body
from fakes.http.metrics import Metrics, known_path
from fakes.http.rpc import UNREADABLE

TOKEN_PATH: Final = "/auth/v1/token"
ES256_KID: Final = "stack-es256"


class TokenRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What a token shall say."""

    sub: Annotated[str, msgspec.Meta(min_length=1)]
    tier: str | None = None
    ttl: Annotated[float, msgspec.Meta(gt=0)] = 3600.0
    alg: Literal["EdDSA", "ES256"] = "EdDSA"


class Supabase:
    """The ASGI app of the issuer."""

    def __init__(self, config: StackConfig, control: Control, metrics: Metrics) -> None:
        self._config, self._control, self._metrics = config, control, metrics
        second = ec.generate_private_key(ec.SECP256R1())
        self._signers = {"ES256": (second, ES256_KID)}
        keys = list(config.jwks.get("keys", ()))
        if config.signing_key:
            own = load_pem_private_key(config.signing_key.reveal().encode(), None)
            self._signers["EdDSA"] = (own, keys[0]["kid"])  # type: ignore[assignment]
        public: dict[str, Any] = jwt.algorithms.ECAlgorithm.to_jwk(second.public_key(), as_dict=True)
        public |= {"kid": ES256_KID, "alg": "ES256", "use": "sig"}
        self._jwks = json.dumps({"keys": [*keys, public]}).encode()
        self._before_rotation = json.dumps({"keys": [public]}).encode()
        self._fetched = metrics.counter("mcpist_jwks_requests_total", "Fetches of the key set.")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        began = self._metrics.begin()
        status = 499
        try:
            reply = await self._reply(scope, receive)
            status = reply.status
            await send_reply(send, reply)
        finally:
            self._metrics.end(began, scope["method"], known_path(scope["path"]), status)

    async def _reply(self, scope: Scope, receive: Receive) -> Reply:
        match scope["method"], scope["path"]:
            case "GET", path if path == JWKS_PATH:
                self._fetched().inc()
                return Reply(200, [JSON], self._key_set())
            case "POST", path if path == TOKEN_PATH:
                return self._issue(await whole_body(scope, receive))
            case "GET", "/health":
                return Reply(200, [JSON], b'{"status":"ok"}')
        return Reply(404, [JSON], b'{"error":"not found"}')

    def _key_set(self) -> bytes:
        fault = self._control.snapshot.fault("key-unpublished")
        if fault is None:
            return self._jwks
        self._control.saw(fault)
        return self._before_rotation

    def _issue(self, body: bytes) -> Reply:
        try:
            request = msgspec.json.decode(body, type=TokenRequest)
            key, kid = self._signers[request.alg]
        except UNREADABLE as error:
            return Reply(400, [JSON], json.dumps({"error": str(error)}).encode())
        except KeyError:
            return Reply(400, [JSON], b'{"error":"alg: the stack gave no key for it"}')
        token = jwt.encode(self._claims(request), key, request.alg, {"kid": kid})
        return Reply(200, [JSON], json.dumps({"access_token": token, "token_type": "bearer"}).encode())

    def _claims(self, request: TokenRequest) -> dict[str, Any]:
        now = time.time()
        claims = {
            "sub": request.sub,
            "iss": self._config.issuer,
            "iat": int(now),
            "exp": int(now + request.ttl),
        }
        return claims if request.tier is None else {**claims, "tier": request.tier}


async def make_app(config: StackConfig) -> serve.App:
    """The issuer on the running loop."""
    control, metrics = Control(config, faults.of("supabase")), Metrics()
    return serve.App(Supabase(config, control, metrics), control, metrics)
