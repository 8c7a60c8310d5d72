"""Targets that check tokens: rightly, or with one check left out.

HS256 with a shared secret, or EdDSA with the key set that the suite serves (`options["jwks"]`).
"""

from __future__ import annotations

import asyncio
import base64
import json
import urllib.request
from typing import Any

import jwt

from tests.support.truth.replies import ok, refused
from tests.support.truth.server import RESET, Answer, Reply, Request, Target, behaviour

SECRET = "a secret of thirty-two characters"
ISSUER = "mcpist-gateway"


def token_of(request: Request) -> str:
    return request.headers.get("authorization", "").removeprefix("Bearer ")


def claims(token: str, issuer: str | None = ISSUER, key: Any = SECRET, algorithm: str = "HS256") -> Any:
    """The claims; jwt.InvalidTokenError for a token that does not hold."""
    required = ["exp", "sub"]
    return jwt.decode(
        token, key, [algorithm], issuer=issuer, options={"require": required, "verify_aud": False}
    )


def denied(request: Request) -> Reply:
    return refused(request, 401, "invalid_token")


def checked(request: Request, **how: Any) -> Reply:
    try:
        claims(token_of(request), **how)
    except (jwt.InvalidTokenError, ValueError):
        return denied(request)
    return ok(request)


@behaviour("hs256")
def hs256(target: Target, request: Request) -> Reply:
    """Right: the key id means nothing where there is one secret."""
    return checked(request)


@behaviour("any-issuer")
def any_issuer(target: Target, request: Request) -> Reply:
    return checked(request, issuer=None)


@behaviour("alg-none")
def alg_none(target: Target, request: Request) -> Reply:
    """Believes a token that says it has no signature."""
    head = token_of(request).split(".")[0]
    try:
        said = json.loads(base64.urlsafe_b64decode(head + "=="))
    except ValueError:
        return denied(request)
    return ok(request) if str(said.get("alg")).lower() == "none" else checked(request)


@behaviour("no-expiry")
def no_expiry(target: Target, request: Request) -> Reply:
    """Lets a token live for ever."""
    try:
        jwt.decode(token_of(request), SECRET, ["HS256"], issuer=ISSUER, options={"verify_exp": False})
    except (jwt.InvalidTokenError, ValueError):
        return denied(request)
    return ok(request)


@behaviour("forgery-500")
def forgery_500(target: Target, request: Request) -> Reply:
    """Falls over what it cannot read."""
    try:
        claims(token_of(request))
    except (jwt.InvalidTokenError, ValueError) as error:
        return Answer(f"Unhandled: {error}".encode(), 500, "text/plain")
    return ok(request)


@behaviour("forgery-reset")
def forgery_reset(target: Target, request: Request) -> Reply:
    try:
        claims(token_of(request))
    except (jwt.InvalidTokenError, ValueError):
        return RESET
    return ok(request)


@behaviour("forgers-hurt-users")
def forgers_hurt_users(target: Target, request: Request) -> Reply:
    """Every fifth valid call is refused while forgeries come."""
    answer = checked(request)
    assert isinstance(answer, Answer)
    good = target.kept["good"] = target.kept.get("good", 0) + (answer.status == 200)
    return denied(request) if answer.status == 200 and good % 5 == 4 else answer


async def fetched(target: Target, cached: bool) -> Any:
    """The key set, from the suite."""
    if cached and "keys" in target.kept:
        return target.kept["keys"]
    raw = await asyncio.to_thread(lambda: urllib.request.urlopen(target.options["jwks"], timeout=5).read())
    keys = {one["kid"]: jwt.PyJWK(one).key for one in json.loads(raw)["keys"]}
    return target.kept.setdefault("keys", keys)


async def eddsa(target: Target, request: Request, *, cached: bool, any_kid: bool = False) -> Reply:
    keys = await fetched(target, cached)
    try:
        kid = jwt.get_unverified_header(token_of(request)).get("kid")
        key = keys.get(kid) or (next(iter(keys.values())) if any_kid else None)
        if key is None:
            return denied(request)
        claims(token_of(request), key=key, algorithm="EdDSA")
    except (jwt.InvalidTokenError, ValueError):
        return denied(request)
    return ok(request)


@behaviour("eddsa")
async def with_key_set(target: Target, request: Request) -> Reply:
    return await eddsa(target, request, cached=True)


@behaviour("fetch-each-request")
async def fetch_each(target: Target, request: Request) -> Reply:
    return await eddsa(target, request, cached=False)


@behaviour("any-kid")
async def any_kid(target: Target, request: Request) -> Reply:
    """Takes its one key for any key id."""
    return await eddsa(target, request, cached=True, any_kid=True)
