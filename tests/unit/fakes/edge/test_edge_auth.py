from __future__ import annotations

import base64
import hmac
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from fakes.edge.auth import Authenticate
from fakes.edge_runtime import key_set
from fakes.protections.jwks_cache import JwksCache
from tests.support.edge_rig import EdgeRig, reason

ED = ed25519.Ed25519PrivateKey.generate()
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())
ED_JWK = {**json.loads(OKPAlgorithm.to_jwk(ED.public_key())), "kid": "ed", "alg": "EdDSA"}
SET = {
    "keys": [
        ED_JWK,
        {**json.loads(RSAAlgorithm.to_jwk(RSA.public_key())), "kid": "rsa", "alg": "RS256"},
        {**json.loads(ECAlgorithm.to_jwk(EC.public_key())), "kid": "ec", "alg": "ES256"},
        {"kty": "oct", "kid": "secret", "k": "c2VjcmV0", "alg": "HS256"},
        {"kty": "strange", "kid": "strange"},
    ]
}
KEYS = key_set.parse(json.dumps(SET).encode())


def rig(**settings: Any) -> EdgeRig:
    made = EdgeRig({"edge": settings}, keys=KEYS)
    made.clock.now = 5_000_000_000.0  # tokens are checked by the library's own clock, which is behind
    return made


def token(key: Any = ED, kid: str | None = "ed", algorithm: str = "EdDSA", **claims: Any) -> bytes:
    payload = {"sub": "user-1", "iss": "issuer", "exp": 6_000_000_000, "tier": "pro", **claims}
    headers = {} if kid is None else {"kid": kid}
    return jwt.encode(payload, key, algorithm=algorithm, headers=headers).encode()


def forged(head: dict[str, str], signature: bytes = b"") -> bytes:
    claims = {"sub": "user-1", "iss": "issuer", "exp": 6_000_000_000}
    parts = (json.dumps(head).encode(), json.dumps(claims).encode(), signature)
    return b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)


@pytest.mark.parametrize(
    ("key", "kid", "algorithm"), [(ED, "ed", "EdDSA"), (RSA, "rsa", "RS256"), (EC, "ec", "ES256")]
)
async def test_a_sound_token_tells_user_and_tier(key: Any, kid: str, algorithm: str) -> None:
    edge = rig()
    assert (await edge.ask(edge.layer(Authenticate), token=token(key, kid, algorithm))).status == 200
    assert (edge.reached[0].user, edge.reached[0].tier) == ("user-1", "pro")
    assert edge.value("mcpist_jwt_verify_cpu_seconds_count", result="valid") == 1


async def test_without_a_token_nothing_is_reached() -> None:
    edge = rig()
    reply = await edge.ask(edge.layer(Authenticate))
    assert (reply.status, reason(reply), edge.reached) == (401, "missing_token", [])


def confused() -> bytes:
    """HS256 with the public key as its secret: valid to whoever lets a token name its algorithm."""
    public = RSA.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    signed = forged({"alg": "HS256", "kid": "rsa"}).rpartition(b".")[0]
    mac = hmac.digest(public, signed, "sha256")
    return signed + b"." + base64.urlsafe_b64encode(mac).rstrip(b"=")


_OTHER = ed25519.Ed25519PrivateKey.generate()
BAD = [
    (token(_OTHER), 401, "bad_signature"),
    (token(exp=1), 401, "expired"),
    (token(kid="nobody"), 401, "unknown_kid"),
    (token(kid=None), 401, "unknown_kid"),
    (token(b"secret" * 8, "secret", "HS256"), 401, "unknown_kid"),
    (confused(), 401, "wrong_algorithm"),
    (token(RSA, "ed", "RS256"), 401, "wrong_algorithm"),
    (forged({"alg": "none", "kid": "ed"}), 401, "wrong_algorithm"),
    (forged({"alg": "EdDSA", "kid": "ed"}, b"x" * 64), 401, "bad_signature"),
    (token(iss="someone else"), 403, "wrong_issuer"),
    (token(sub="a\r\nX-User-Tier: unlimited"), 401, "malformed"),
    (token(tier=["pro"]), 401, "malformed"),
    (b"garbage", 401, "malformed"),
    (b"a.b.c", 401, "malformed"),
    (b"\xff\xfe", 401, "malformed"),
]


@pytest.mark.parametrize(("bad", "status", "result"), BAD)
async def test_a_token_that_does_not_hold_is_refused_and_named(bad: bytes, status: int, result: str) -> None:
    edge = rig()
    reply = await edge.ask(edge.layer(Authenticate), token=bad)
    assert (reply.status, reason(reply), edge.reached) == (status, "invalid_token", [])
    assert edge.value("mcpist_jwt_verify_cpu_seconds_count", result=result) == 1


@pytest.mark.parametrize("claim", ["exp", "iss", "sub"])
async def test_a_token_without_a_claim_that_it_must_have_is_refused(claim: str) -> None:
    payload = {"sub": "u", "iss": "issuer", "exp": 6_000_000_000}
    del payload[claim]
    edge = rig()
    bad = jwt.encode(payload, ED, algorithm="EdDSA", headers={"kid": "ed"}).encode()
    assert reason(await edge.ask(edge.layer(Authenticate), token=bad)) == "invalid_token"


async def test_a_verified_token_is_believed_until_it_expires() -> None:
    edge = rig()
    app, good = edge.layer(Authenticate), token()
    for _ in range(3):
        await edge.ask(app, token=good)
    assert edge.value("mcpist_jwt_verify_cpu_seconds_count", result="valid") == 1
    edge.clock.now = 6_000_000_000.0
    await edge.ask(app, token=good)
    assert edge.value("mcpist_jwt_verify_cpu_seconds_count", result="valid") == 2


async def test_tokens_that_expired_are_not_kept() -> None:
    """Each user sends a new one before the old one expires: what nobody sends again would stay for ever."""
    edge = rig()
    app = edge.layer(Authenticate)
    for wave in range(5):
        edge.clock.now = 5_000_000_000.0 + 60 * wave
        for user in range(80):
            exp = 5_000_000_000 + 60 * wave + 30
            await edge.ask(app, token=token(sub=f"user-{user}", exp=exp))
    assert isinstance(app, Authenticate)
    assert len(app.tokens) <= 160


@pytest.mark.parametrize("settings", [{"token_cache": False}, {"jwks_mode": "none"}])
async def test_tokens_are_not_believed_when_nothing_is_cached(settings: dict[str, Any]) -> None:
    edge = rig(**settings)
    app, good = edge.layer(Authenticate), token()
    await edge.ask(app, token=good)
    await edge.ask(app, token=good)
    assert edge.value("mcpist_jwt_verify_cpu_seconds_count", result="valid") == 2


async def test_a_bad_token_is_never_believed() -> None:
    edge = rig()
    app, bad = edge.layer(Authenticate), token(_OTHER)
    for _ in range(2):
        assert (await edge.ask(app, token=bad)).status == 401


async def test_without_a_key_set_the_edge_says_that_it_is_its_own_fault() -> None:
    edge = rig()
    isolate = edge.isolate()

    async def down() -> key_set.Keys:
        raise key_set.JwksUnavailable("status 500")

    isolate.jwks = JwksCache(down, lambda cause: None)
    reply = await edge.ask(Authenticate(edge.inner, isolate), token=token())
    assert (reply.status, reason(reply)) == (503, "internal_error")


def test_only_asymmetric_keys_of_known_kinds_are_taken() -> None:
    assert set(KEYS) == {"ed", "rsa", "ec"}


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"keys": 1}', b'{"keys": [1]}'])
def test_what_is_no_key_set_is_not_taken_for_an_empty_one(body: bytes) -> None:
    with pytest.raises(key_set.JwksUnavailable):
        key_set.parse(body)
