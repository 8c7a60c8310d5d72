"""How the accounts of a target sign in: with tokens that we sign, with ready-made ones, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from targets.auth import Auth
from targets.schema import Target
from users.accounts.account_client import Token
from users.accounts.accounts import Account
from users.accounts.forge import Forge
from users.accounts.keys import read_key
from users.accounts.tokens import TokenSource, no_token, ready_made


class AccountSigning(NamedTuple):
    """`forge` makes bad tokens; None where nobody signs any."""

    token: Token
    forge: Forge | None


def signing(
    target: Target, pem: bytes | None, accounts: Sequence[Account], tokens: Sequence[str] = ()
) -> AccountSigning:
    """What signs for the accounts, by the private key; each has its token before load starts.

    `tokens` are ready-made ones (`targets.load.account_tokens`), sent in place of signed ones.
    """
    auth = target.auth
    key = None if auth is None or pem is None else read_key(pem, auth.algorithm, auth.kid)
    forge = None if auth is None or key is None else Forge(auth, key)
    if tokens:
        return AccountSigning(ready_made(auth or Auth(), tokens), forge)
    if auth is None or key is None:
        return AccountSigning(no_token, None)
    source = TokenSource(auth, key)
    source.warm(accounts)
    return AccountSigning(source, forge)
