"""Who calls: the bearer token is checked, and the user and tier of its claims join the call.

Checked are the signature (with the one algorithm that the issuer's key is for), the issuer and the
expiry. 401 missing_token without a bearer; 401 invalid_token for a token that does not hold; 403
invalid_token for a sound token of another issuer; 503 internal_error when no key set can be had.
The CPU time of each full check is observed under its result. With `token_cache` a verified token is
believed until it expires; not so while the key set itself is not cached.
"""

from __future__ import annotations

import time
from typing import Any, Final

import jwt
from jwt.types import Options

from fakes.edge_runtime.isolate import EdgeCall, Isolate, refuse
from fakes.edge_runtime.key_set import JwksUnavailable
from fakes.http.asgi import ASGIApp, Receive, Scope, Send
from fakes.protections.jwks_cache import UNCACHED

MAX_TOKENS: Final = 10_000  # remembered an isolate
SWEEP_FROM: Final = 100  # tokens: where they are as many, or twice those that a sweep left, it is done again
_RESULTS: Final = (
    (jwt.ExpiredSignatureError, "expired"),
    (jwt.InvalidIssuerError, "wrong_issuer"),
    (jwt.InvalidSignatureError, "bad_signature"),
    (jwt.InvalidAlgorithmError, "wrong_algorithm"),
    (jwt.InvalidTokenError, "malformed"),
)
_OPTIONS: Final[Options] = {"require": ["exp", "iss", "sub"], "verify_aud": False}


class InvalidToken(Exception):  # noqa: N818
    """A token that does not hold; `result` is its label in the metrics."""

    def __init__(self, result: str, message: str) -> None:
        super().__init__(message)
        self.result = result


class Authenticate:
    """The layer."""

    def __init__(self, inner: ASGIApp, isolate: Isolate) -> None:
        self.inner, self.isolate = inner, isolate
        self.tokens: dict[bytes, dict[str, Any]] = {}
        self._sweep_at = SWEEP_FROM  # so many tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: D102
        call: EdgeCall = scope["state"]["call"]
        token = _bearer(call)
        if not token:
            return await refuse(scope, receive, send, self.isolate, "missing_token")
        try:
            claims = self._remembered(token, call) or await self._check(token, call)
        except InvalidToken as error:
            status = 403 if error.result == "wrong_issuer" else 401
            return await refuse(
                scope, receive, send, self.isolate, "invalid_token", str(error), status=status
            )
        except JwksUnavailable as error:
            message = f"key set unavailable: {error}"
            return await refuse(scope, receive, send, self.isolate, "internal_error", message, status=503)
        call.user, call.tier = claims["sub"], claims.get("tier", "")
        return await self.inner(scope, receive, send)

    def _remembered(self, token: bytes, call: EdgeCall) -> dict[str, Any] | None:
        claims = self.tokens.get(token)
        if claims is None or not _believes(call):
            return None
        if claims["exp"] > self.isolate.clock():
            return claims
        del self.tokens[token]
        return None

    async def _check(self, token: bytes, call: EdgeCall) -> dict[str, Any]:
        began = time.thread_time()
        try:
            kid = _kid(token)
            spent = time.thread_time() - began
            on = "jwks-cache" in call.snapshot.protections
            key = await self.isolate.jwks.key(kid, call.snapshot.settings.edge, on)
            began = time.thread_time() - spent  # the thread served other calls in between
            claims = _verify(token, key, self.isolate.issuer)
        except InvalidToken as error:
            self._observe(error.result, began)
            raise
        self._observe("valid", began)
        self._remember(token, claims, call)
        return claims

    def _observe(self, result: str, began: float) -> None:
        self.isolate.metrics.verify_cpu(result).observe(time.thread_time() - began)

    def _remember(self, token: bytes, claims: dict[str, Any], call: EdgeCall) -> None:
        if not _believes(call):
            return
        if len(self.tokens) >= self._sweep_at:
            self._sweep(self.isolate.clock())
        if len(self.tokens) >= MAX_TOKENS:
            self.tokens.clear()
        self.tokens[token] = claims

    def _sweep(self, now: float) -> None:
        """Forget those that have expired: their users have others, and never send them again."""
        self.tokens = {token: claims for token, claims in self.tokens.items() if claims["exp"] > now}
        self._sweep_at = max(SWEEP_FROM, 2 * len(self.tokens))


def _believes(call: EdgeCall) -> bool:
    edge = call.snapshot.settings.edge
    kept = edge.jwks_mode not in UNCACHED and "jwks-cache" in call.snapshot.protections
    return edge.token_cache and kept


def _bearer(call: EdgeCall) -> bytes:
    scheme, _, token = call.headers.get(b"authorization", b"").partition(b" ")
    return token.strip() if scheme.lower() == b"bearer" else b""


def _kid(token: bytes) -> str:
    try:
        head = jwt.get_unverified_header(token)
    except jwt.InvalidTokenError as error:
        raise InvalidToken("malformed", str(error)) from None
    if head.get("alg", "none") == "none":
        raise InvalidToken("wrong_algorithm", "algorithm none is not accepted")
    kid = head.get("kid")
    return kid if isinstance(kid, str) else ""


def _verify(token: bytes, key: jwt.PyJWK | None, issuer: str) -> dict[str, Any]:
    if key is None:
        raise InvalidToken("unknown_kid", "key id is not known")
    algorithms = [key.algorithm_name]
    try:
        claims = jwt.decode(token, key.key, algorithms=algorithms, issuer=issuer, options=_OPTIONS)
    except jwt.PyJWTError as error:
        raise InvalidToken(_result(error), str(error)) from None
    if not (_is_header(claims["sub"]) and _is_header(claims.get("tier", ""))):
        raise InvalidToken("malformed", "sub or tier is not plain text")
    return dict(claims)


def _is_header(value: object) -> bool:
    """Whether a claim can go on as a header; a line break in one would forge others."""
    return isinstance(value, str) and value.isascii() and value.isprintable()


def _result(error: jwt.PyJWTError) -> str:
    return next((name for kind, name in _RESULTS if isinstance(error, kind)), "malformed")
