"""Tokens that no gateway may accept, by kind. Made ahead of time, so that making them slows no schedule.

| kind | what is wrong |
|---|---|
| bad-signature | one bit of the signature |
| expired | it ran out five minutes ago; soundly signed |
| unknown-kid | a `kid` that no key set has, another in each token |
| alg-none | `alg: none`, no signature |
| hs256-public-key | HS256, with the issuer's public key as the secret (algorithm confusion) |
| wrong-issuer | soundly signed, by another issuer's name |
| garbage | no token at all: noise, 8 KB, bytes that are not UTF-8, empty parts, broken base64 |
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
import time
from collections.abc import Callable
from typing import Any, Final, Literal, get_args

import jwt
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from targets.auth import Auth
from users.accounts.accounts import Account
from users.accounts.keys import SigningKey
from users.accounts.tokens import before, claims_of

Kind = Literal[
    "bad-signature", "expired", "unknown-kid", "alg-none", "hs256-public-key", "wrong-issuer", "garbage"
]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
EXPIRED_AGO: Final = 300  # seconds
WRONG_ISSUER: Final = "https://issuer.invalid"
_LETTERS: Final = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"


class Forge:
    """Makes bad tokens for accounts of a target with `auth`, whose issuer signs with `key`."""

    def __init__(self, auth: Auth, key: SigningKey, clock: Callable[[], float] = time.time) -> None:
        self._auth = auth
        self._key = key
        self._clock = clock
        self._prefix = before(auth).encode()

    def make(self, kind: str, account: Account, serial: int) -> bytes:
        """A header value of `kind`; another one for each `serial`. KeyError for an unknown kind."""
        chance = random.Random(f"{kind}/{account.index}/{serial}")
        return self._prefix + _MAKERS[kind](self, account, chance)

    def _claims(self, account: Account, **other: Any) -> dict[str, Any]:
        now = int(self._clock())
        return {**claims_of(account, self._auth, now, now + 3600), **other}

    def _signed(self, claims: dict[str, Any], **named: str) -> bytes:
        headers = {**self._key.named, **named}
        return jwt.encode(claims, self._key.private, algorithm=self._key.algorithm, headers=headers).encode()

    def _bad_signature(self, account: Account, chance: random.Random) -> bytes:
        head, _, signature = self._signed(self._claims(account)).rpartition(b".")
        raw = bytearray(base64.urlsafe_b64decode(signature + b"=="))
        raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
        return head + b"." + _base64(bytes(raw))

    def _expired(self, account: Account, chance: random.Random) -> bytes:
        past = int(self._clock()) - EXPIRED_AGO - chance.randrange(3600)
        return self._signed(self._claims(account, iat=past - 60, exp=past))

    def _unknown_kid(self, account: Account, chance: random.Random) -> bytes:
        return self._signed(self._claims(account), kid=f"kid-{chance.getrandbits(64):016x}")

    def _alg_none(self, account: Account, chance: random.Random) -> bytes:
        head = {"alg": chance.choice(("none", "None", "NONE")), "typ": "JWT", **self._key.named}
        return _segment(head) + b"." + _segment(self._claims(account)) + b"."

    def _hs256_public_key(self, account: Account, chance: random.Random) -> bytes:
        head = {"alg": "HS256", "typ": "JWT", **self._key.named}
        signed = _segment(head) + b"." + _segment(self._claims(account))
        secret = chance.choice(self._public_forms())
        return signed + b"." + _base64(hmac.digest(secret, signed, hashlib.sha256))

    def _public_forms(self) -> list[bytes]:
        """The public key in the forms that a careless library might take for a secret."""
        if self._key.algorithm == "HS256":
            return [b"public"]
        public = self._key.private.public_key()
        info = PublicFormat.SubjectPublicKeyInfo
        return [public.public_bytes(Encoding.PEM, info), public.public_bytes(Encoding.DER, info)]

    def _wrong_issuer(self, account: Account, chance: random.Random) -> bytes:
        return self._signed(self._claims(account, iss=f"{WRONG_ISSUER}/{chance.getrandbits(32):x}"))

    def _garbage(self, account: Account, chance: random.Random) -> bytes:
        return chance.choice(_GARBAGE)(self, account, chance)

    def _noise(self, account: Account, chance: random.Random) -> bytes:
        return bytes(chance.choices(_LETTERS, k=chance.randrange(1, 400)))

    def _large(self, account: Account, chance: random.Random) -> bytes:
        return b".".join(bytes(chance.choices(_LETTERS, k=2730)) for _ in range(3))

    def _not_text(self, account: Account, chance: random.Random) -> bytes:
        return bytes(chance.randrange(0x80, 0x100) for _ in range(chance.randrange(1, 200)))

    def _empty_parts(self, account: Account, chance: random.Random) -> bytes:
        return b"." * chance.randrange(1, 5)

    def _broken_base64(self, account: Account, chance: random.Random) -> bytes:
        token = bytearray(self._signed(self._claims(account)))
        token[chance.randrange(token.index(b"."))] = ord("!")
        return bytes(token)


def _base64(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def _segment(value: dict[str, Any]) -> bytes:
    return _base64(json.dumps(value, separators=(",", ":")).encode())


_Maker = Callable[[Forge, Account, random.Random], bytes]
_GARBAGE: Final[tuple[_Maker, ...]] = (
    Forge._noise,
    Forge._large,
    Forge._not_text,
    Forge._empty_parts,
    Forge._broken_base64,
)
_MAKERS: Final[dict[str, _Maker]] = {
    "bad-signature": Forge._bad_signature,
    "expired": Forge._expired,
    "unknown-kid": Forge._unknown_kid,
    "alg-none": Forge._alg_none,
    "hs256-public-key": Forge._hs256_public_key,
    "wrong-issuer": Forge._wrong_issuer,
    "garbage": Forge._garbage,
}
