"""Signed tokens for accounts: made when first needed, kept, renewed before they run out.

A token's period is 80 % of its life (a little less where whole seconds cut a short life): then it is
renewed. First tokens are renewed earlier, each account at its own moment between a half and a whole
period, so that accounts which began together do not sign together ever after. Times are Unix
seconds: tokens carry the calendar.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple

import jwt

from targets.auth import Auth, fill
from users.accounts.accounts import Account
from users.accounts.keys import SigningKey

RENEW_AT: Final = 0.8
LATEST: Final = 0.9  # of the life that is sure: `exp` is in whole seconds, rounded down
EARLIEST: Final = 0.5  # of a token's period, for an account's first one
GOLDEN: Final = 0.6180339887498949  # its multiples, modulo 1, spread any number of accounts evenly


class _Held(NamedTuple):
    value: bytes
    renew_at: float


class TokenSource:
    """The header value of each account; the same object until it is renewed. A `Token`."""

    def __init__(self, auth: Auth, key: SigningKey, clock: Callable[[], float] = time.time) -> None:
        self.signed = 0
        self._auth = auth
        self._period = min(RENEW_AT * auth.ttl, LATEST * (int(auth.ttl) - 1))
        self._key = key
        self._clock = clock
        self._prefix = before(auth)
        self._held: dict[int, _Held] = {}

    def __call__(self, account: Account) -> bytes:
        """`Bearer eyJ…`, or the bare token for an empty scheme."""
        now = self._clock()
        held = self._held.get(account.index)
        if held is None or now >= held.renew_at:
            held = self._held[account.index] = self._make(account, now, first=held is None)
        return held.value

    def warm(self, accounts: Iterable[Account]) -> None:
        """Sign for all of them now, before load starts."""
        for account in accounts:
            self(account)

    def _make(self, account: Account, now: float, first: bool) -> _Held:
        issued = int(now)
        expires = issued + int(self._auth.ttl)
        spread = EARLIEST + (1 - EARLIEST) * (account.index * GOLDEN % 1) if first else 1.0
        value = self._prefix + self._sign(account, issued, expires)
        return _Held(value.encode("ascii"), now + self._period * spread)

    def _sign(self, account: Account, issued: int, expires: int) -> str:
        claims = claims_of(account, self._auth, issued, expires)
        self.signed += 1
        return jwt.encode(claims, self._key.private, algorithm=self._key.algorithm, headers=self._key.named)


def claims_of(account: Account, auth: Auth, issued: int, expires: int) -> dict[str, Any]:
    """What a sound token of the account says; times in Unix seconds."""
    issuer = {} if auth.issuer is None else {"iss": auth.issuer}
    values: dict[str, str | int] = {"account": account.id, "tier": account.tier, "now": issued}
    values["uuid"] = str(uuid.uuid4())
    return {**issuer, **fill(auth.claims, values), "iat": issued, "exp": expires}


def before(auth: Auth) -> str:
    """What stands before a token in its header."""
    return f"{auth.scheme} {auth.prefix}" if auth.scheme else auth.prefix


def ready_made(auth: Auth, tokens: Sequence[str]) -> Callable[[Account], bytes]:
    """The header value of each account by its number: tokens that somebody else made, as they are."""
    scheme = f"{auth.scheme} " if auth.scheme else ""
    values = [f"{scheme}{token}".encode("ascii") for token in tokens]
    return lambda account: values[account.index]


def no_token(account: Account) -> bytes:
    """The token of a target without auth."""
    return b""
