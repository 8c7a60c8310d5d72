"""What a stack makes for itself at every start: the issuer's key pair, secrets, and tokens for hand use."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

ISSUER: Final = "mcpist-gateway"
ALGORITHM: Final = "EdDSA"
KID: Final = "key-1"


@dataclass(frozen=True, slots=True)
class TokenSigner:
    """How tokens for this stack are signed. `key` is the private key as PEM."""

    key: str = field(repr=False)
    kid: str = KID
    issuer: str = ISSUER
    algorithm: str = ALGORITHM

    def token(self, account: str, ttl: float, **claims: Any) -> str:
        """A signed token of an account, good for `ttl` seconds from now."""
        now = int(time.time())
        payload = {"iss": self.issuer, "sub": account, "iat": now, "exp": now + int(ttl), **claims}
        return jwt.encode(payload, self.key, algorithm=self.algorithm, headers={"kid": self.kid})

    def jwks(self) -> dict[str, Any]:
        """The public key set."""
        private = serialization.load_pem_private_key(self.key.encode(), None)
        assert isinstance(private, Ed25519PrivateKey)
        public = OKPAlgorithm.to_jwk(private.public_key(), as_dict=True)
        return {"keys": [{**public, "kid": self.kid, "alg": self.algorithm, "use": "sig"}]}


def new_signer() -> TokenSigner:
    """A fresh Ed25519 key."""
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return TokenSigner(pem.decode())


@dataclass(frozen=True, slots=True)
class Identity:
    """All that is secret in one stack."""

    signing: TokenSigner = field(default_factory=new_signer)
    control_token: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    gateway_secret: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
