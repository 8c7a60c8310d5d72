"""Signing keys: from the environment, from a file, or fresh; and their public half as a JWKS.

A key's text never stands in a message. PEM files hold a private key without a password; for HS256
the text itself, without the white space around it, is the secret.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from jwt.algorithms import get_default_algorithms
from jwt.utils import is_pem_format, is_ssh_key

from common.errors import ConfigError
from targets.auth import Algorithm, Auth, Key

MAX_BYTES: Final = 64_000  # bytes
MIN_SECRET: Final = 32  # bytes, RFC 7518 3.2
_FRESH: Final[dict[str, Callable[[], Any]]] = {
    "RS256": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
}
_KINDS: Final[dict[str, tuple[type, ...]]] = {
    "RS256": (rsa.RSAPrivateKey,),
    "ES256": (ec.EllipticCurvePrivateKey,),
    "EdDSA": (ed25519.Ed25519PrivateKey, ed448.Ed448PrivateKey),
}


@dataclass(frozen=True, repr=False)
class SigningKey:
    """A private key (or, for HS256, the secret's bytes) with the name that tokens give it."""

    algorithm: Algorithm
    private: Any
    kid: str | None = None

    @property
    def named(self) -> dict[str, str]:
        """What a token and a key set say of its name: `{"kid": …}`, nothing for a key without one."""
        return {} if self.kid is None else {"kid": self.kid}

    def pem(self) -> bytes:
        """The private half, for a worker that must sign with the same key; for HS256 the secret."""
        if self.algorithm == "HS256":
            return bytes(self.private)
        return bytes(self.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

    def jwks(self) -> dict[str, Any]:
        """The public half as a JSON Web Key Set. ValueError for HS256, which has none."""
        if self.algorithm == "HS256":
            raise ValueError("HS256 has no public key")
        maker = get_default_algorithms()[self.algorithm]
        jwk = json.loads(maker.to_jwk(self.private.public_key()))
        return {"keys": [{**jwk, **self.named, "alg": self.algorithm, "use": "sig"}]}


def load_key(auth: Auth, environ: Mapping[str, str] = os.environ) -> SigningKey:
    """The key that `auth` names, or a fresh one. Raises ConfigError: what is wrong, never the key."""
    if auth.key is None:
        return fresh_key(auth.algorithm, auth.kid)
    source, text = _text(auth.key, environ)
    return read_key(text, auth.algorithm, auth.kid, source)


def fresh_key(algorithm: Algorithm, kid: str | None = None) -> SigningKey:
    """A new key, made now."""
    return SigningKey(algorithm, _FRESH[algorithm]() if algorithm != "HS256" else os.urandom(32), kid)


def read_key(text: bytes, algorithm: Algorithm, kid: str | None, source: str = "key") -> SigningKey:
    """The key that `text` holds (what `SigningKey.pem` gave). Raises ConfigError that names `source`."""
    if algorithm == "HS256":
        if is_pem_format(text) or is_ssh_key(text):
            raise ConfigError(source, "", "a PEM or SSH key, allowed: the secret that is shared (HS256)")
        if len(text) < MIN_SECRET:
            raise ConfigError(source, "", f"too short a secret, allowed: {MIN_SECRET} bytes or more (HS256)")
        return SigningKey(algorithm, text, kid)
    try:
        private = load_pem_private_key(text, password=None)
    except (ValueError, TypeError):  # TypeError: it has a password
        raise ConfigError(source, "", "not a private key, allowed: PEM without a password") from None
    except Exception as error:  # the library has its own for algorithms that it does not know
        raise ConfigError(source, "", f"cannot be read ({type(error).__name__}), allowed: PEM") from None
    _refuse_other_kind(private, algorithm, source)
    return SigningKey(algorithm, private, kid)


def _refuse_other_kind(private: Any, algorithm: Algorithm, source: str) -> None:
    other_curve = algorithm == "ES256" and getattr(getattr(private, "curve", None), "name", "") != "secp256r1"
    if not isinstance(private, _KINDS[algorithm]) or other_curve:
        kinds = {"RS256": "an RSA key", "ES256": "a P-256 key", "EdDSA": "an Ed25519 or Ed448 key"}
        raise ConfigError(source, "", f"not a key for {algorithm}, allowed: {kinds[algorithm]}")


def _text(key: Key, environ: Mapping[str, str]) -> tuple[str, bytes]:
    """(what to call it, the key's bytes)"""
    if key.env is not None:
        text = environ.get(key.env, "").strip()
        if not text:
            raise ConfigError(f"environment variable {key.env}", "", "is not set, allowed: the signing key")
        return f"environment variable {key.env}", text.replace("\\n", "\n").encode()
    file = Path(key.file or "")
    try:
        with file.open("rb") as stream:
            return str(file), stream.read(MAX_BYTES).strip()
    except OSError as error:
        raise ConfigError(file, "", f"cannot be read: {error.strerror}, allowed: the signing key") from None
