"""How accounts sign in at a target: the header, the token's algorithm, claims and life, and its key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from common.durations import Duration
from common.secrets.secret import Secret
from common.strict import CONFIDENTIAL, Strict

HeaderName = Annotated[str, Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$")]
_VALUE: Final = re.compile(r"[\t\x20-\x7e]{0,8000}")


def _header_value(value: Secret) -> Secret:
    if not _VALUE.fullmatch(value.reveal()):
        raise ValueError("no header can carry it (not shown), allowed: up to 8,000 of printable ASCII")
    return value


HeaderValue = Annotated[Secret, AfterValidator(_header_value)]
Algorithm = Literal["HS256", "RS256", "ES256", "EdDSA"]
CLAIM_NAMES: Final = ("account", "tier", "uuid", "now")
NOW: Final = "{now}"
_PLACE: Final = re.compile(r"\{([^{}]*)\}")


class Key(Strict):
    """Where the signing key is: an environment variable or a file; PEM, or for HS256 the secret itself."""

    env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    file: Annotated[str, Field(min_length=1, max_length=1000)] | None = None

    @model_validator(mode="after")
    def _one(self) -> Key:
        if (self.env is None) == (self.file is None):
            raise ValueError("neither or both, allowed: {env: NAME} or {file: key.pem}")
        return self


class Auth(Strict):
    """A signed token in a header, after `scheme` and `prefix`.

    In `claims`, {account} and {tier} stand for the account's own, {uuid} for another one in each token, {now}
    for its time in Unix seconds: a number where it stands alone.
    """

    header: HeaderName = "Authorization"
    scheme: Annotated[str, Field(pattern=r"^[!-~]*$", max_length=50)] = "Bearer"
    prefix: Annotated[str, Field(pattern=r"^[!-~]*$", max_length=100)] = ""
    algorithm: Algorithm = "EdDSA"
    kid: Annotated[str, Field(min_length=1, max_length=200)] | None = "key-1"
    issuer: Annotated[str, Field(max_length=1000)] | None = "mcpist-gateway"
    claims: dict[str, Any] = Field(default_factory=lambda: {"sub": "{account}"})
    ttl: Annotated[Duration, Field(ge=2)] = 30.0
    key: Annotated[Key | None, CONFIDENTIAL] = None
    serve_jwks: Annotated[str, Field(max_length=100)] | None = None

    @field_validator("claims")
    @classmethod
    def _places(cls, claims: dict[str, Any]) -> dict[str, Any]:
        for text in _texts(claims):
            for name in _PLACE.findall(text):
                if name not in CLAIM_NAMES:
                    allowed = ", ".join(f"{{{one}}}" for one in CLAIM_NAMES)
                    raise ValueError(f"unknown {{{name}}}, allowed: {allowed}")
        for name in ("iat", "exp"):
            if name in claims and (name, claims[name]) != ("iat", NOW):
                raise ValueError(f"{name!r} is set by ttl, allowed: any other claim")
        return claims

    @field_validator("serve_jwks")
    @classmethod
    def _place(cls, place: str | None) -> str | None:
        if place is not None:
            host_and_port(place)
        return place

    @model_validator(mode="after")
    def _public(self) -> Auth:
        if self.serve_jwks is not None and self.algorithm == "HS256":
            raise ValueError("serve_jwks: HS256 has no public key, allowed: RS256, ES256, EdDSA")
        if self.key is None and self.algorithm == "HS256":
            raise ValueError("key: is missing, allowed: the secret that the target shares (HS256)")
        return self


def host_and_port(text: str) -> tuple[str, int]:
    """`127.0.0.1:9999` or `[::1]:9999`; ValueError with what is allowed."""
    match = re.fullmatch(r"(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):([0-9]{1,5})", text, re.ASCII)
    if not match or int(match[2]) > 65535:
        raise ValueError("allowed: host:port, like 127.0.0.1:9999")
    return match[1].strip("[]"), int(match[2])


def fill(claims: Any, values: Mapping[str, str | int]) -> Any:
    """`claims` with each {name} replaced by its value, at any depth."""
    if isinstance(claims, str):
        alone = _PLACE.fullmatch(claims)
        return values[alone[1]] if alone else _PLACE.sub(lambda place: str(values[place[1]]), claims)
    if isinstance(claims, dict):
        return {key: fill(value, values) for key, value in claims.items()}
    if isinstance(claims, list):
        return [fill(value, values) for value in claims]
    return claims


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for item in inner for text in _texts(item)]
