"""What the supervisor tells a process of the stack: one JSON file, the same for all of them.

    {"settings": {…StackSettings…},              the whole tree, not a part
     "protections": ["ip-limit", …],             names in force at start (`common.protections.NAMES`)
     "addresses": {"edge": ["127.0.0.1", 41001], "origin-a": […], "origin-b": […],
                   "upstream": […], "supabase": […]},
     "control_token": "…",                       header X-Control-Token of `/_control/…`
     "gateway_secret": "…",                      header X-Gateway-Secret from edge to origin
     "issuer": "https://…",                      the `iss` that tokens must carry
     "jwks_url": "http://127.0.0.1:41004/auth/v1/.well-known/jwks.json",
     "jwks": {"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": …, "x": …}]},   what the issuer publishes
     "signing_key": "-----BEGIN PRIVATE KEY-----…",   the issuer's own (PEM), with the kid of the set
     "db_dsn": "postgresql://…" | null}

`name` is the process's own name (`--name`), filled in by `fakes.http.serve.run`.
A file that does not fit raises ConfigError with one line: file, key, what is allowed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from pydantic import Field, ValidationError

from common.errors import ConfigError
from common.secrets.secret import Secret
from fakes.settings import SettingsModel, StackSettings

JWKS_PATH: Final = "/auth/v1/.well-known/jwks.json"  # where the issuer publishes its key set


class StackConfig(SettingsModel):
    """The file above."""

    settings: StackSettings = StackSettings()
    protections: tuple[str, ...] = ()
    addresses: dict[str, tuple[str, int]] = Field(default_factory=dict)
    control_token: Secret
    gateway_secret: Secret
    issuer: str
    jwks_url: str
    jwks: dict[str, Any] = Field(default_factory=dict)
    signing_key: Secret = Secret("")
    db_dsn: Secret | None = None
    name: str = ""


def load(path: Path, name: str) -> StackConfig:
    """Read the configuration for the process `name`. Raises ConfigError."""
    try:
        config = StackConfig.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ConfigError(str(path), "", str(error.strerror)) from None
    except ValidationError as error:
        raise ConfigError(str(path), "", first_complaint(error)) from None
    return config.model_copy(update={"name": name})


def first_complaint(error: ValidationError) -> str:
    """The first complaint of pydantic as `key: what is wrong`."""
    first = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in first["loc"]) or "(the whole)"
    return f"{key}: {first['msg']}"
