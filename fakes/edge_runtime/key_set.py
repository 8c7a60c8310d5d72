"""The key set of the issuer: fetching it, and what a set is.

`Keys` maps a `kid` to a public key and the one algorithm that the key is for. Symmetric keys and keys
of unknown kinds are left out, so neither `alg: none` nor HS256 with a public key can ever verify.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import jwt
import msgspec

from fakes.http.hop import Hop, HopError
from fakes.http.rpc import UNREADABLE

ASYMMETRIC: Final = frozenset(
    ("EdDSA", "ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
)
Keys = Mapping[str, jwt.PyJWK]
Fetch = Callable[[], Awaitable[Keys]]


class JwksUnavailable(Exception):  # noqa: N818
    """The key set could not be fetched or read."""


class _Document(msgspec.Struct):
    keys: list[dict[str, Any]]


def parse(body: bytes) -> Keys:
    """The usable keys of a JWKS document. Raises JwksUnavailable if it is none."""
    try:
        entries = msgspec.json.decode(body, type=_Document).keys
    except UNREADABLE as error:
        raise JwksUnavailable(f"not a JWKS: {error}") from None
    found = (_key(entry) for entry in entries)
    return {key.key_id: key for key in found if key is not None and key.key_id}


def _key(entry: dict[str, Any]) -> jwt.PyJWK | None:
    try:
        key = jwt.PyJWK(entry)
    except jwt.PyJWTError:
        return None
    return key if key.algorithm_name in ASYMMETRIC else None


def fetcher(url: str, timeout: float = 5.0) -> tuple[Fetch, Hop]:
    """A function that fetches the set from an http URL, and the hop that it uses."""
    parts = urlsplit(url)
    hop = Hop(parts.hostname or "127.0.0.1", parts.port or 80)
    path = (parts.path or "/").encode()

    async def fetch() -> Keys:
        try:
            reply = await hop.request(b"GET", path, timeout=timeout)
        except HopError as error:
            raise JwksUnavailable(f"{type(error).__name__} {error}".strip()) from None
        if reply.status != 200:
            raise JwksUnavailable(f"status {reply.status}")
        return parse(reply.body)

    return fetch, hop
