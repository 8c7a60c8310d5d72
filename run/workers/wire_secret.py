"""The secret that a master and its workers share, of `run.workers.sealed_wire`: where it is, where needed."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Final

from common.addresses.url import is_loopback_name
from common.errors import ConfigError

VARIABLE: Final = "RESILIENCE_SECRET"
SHORTEST: Final = 16  # characters


def take(environment: MutableMapping[str, str]) -> str:
    """The secret; it leaves the environment, which children inherit. Raises ConfigError for a short one."""
    secret = _checked(environment)
    environment.pop(VARIABLE, None)
    return secret


def check(host: str, environment: Mapping[str, str]) -> None:
    """The wire at `host` may be used: off loopback there is a secret. Raises ConfigError."""
    need(host, _checked(environment))


def need(host: str, secret: str) -> None:
    """Off loopback there is a secret. Raises ConfigError."""
    if not secret and not is_loopback_name(host):
        text = "is missing, allowed: the same text for a master and its workers (required off loopback)"
        raise ConfigError("environment", VARIABLE, f"{text}; the wire is at {host}")


def _checked(environment: Mapping[str, str]) -> str:
    secret = environment.get(VARIABLE, "")
    if secret and len(secret) < SHORTEST:
        raise ConfigError("environment", VARIABLE, f"{len(secret)} characters, allowed: {SHORTEST} or more")
    return secret
