"""A call's nonce: what stands for `{nonce}` in its arguments, so that its answer can be told from any other.

    rznonce-1f09ab77c2-12-340-977-z        run and process, account, arrival (−1: an extra call), request id

It is of letters, digits and hyphens alone, so that JSON, headers and URLs hold it as it is. None is part of
another. Accounts are numbered alike on all workers of a run: a nonce names its account wherever it turns up.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterator
from typing import Final, NamedTuple

from users.transport.call import Call

PREFIX: Final = b"rznonce-"
_NONCE: Final = re.compile(PREFIX + rb"([0-9a-f]{6})[0-9a-f]{4}-(\d+)-(-?\d+)-\d+-z")
UNKNOWN: Final = -1
"""Of an account: of another run's numbering."""


class Whose(NamedTuple):
    """Which call a nonce names; `arrival` −1 for an extra call."""

    account: int
    arrival: int


class Nonces:
    """Makes those of one loading process, and reads those of its run."""

    def __init__(self, run: str = "") -> None:
        self._run = hashlib.sha256(run.encode()).hexdigest()[:6].encode()
        self._begin = f"{PREFIX.decode()}{self._run.decode()}{secrets.token_hex(2)}"

    def of(self, call: Call) -> bytes:
        """The nonce of a call that has its request id."""
        return (
            f"{self._begin}-{call.account}-{call.index}-{call.request_id}-z".encode()
        )  # faster than bytes' %

    def others(self, text: bytes, own: bytes) -> Iterator[Whose]:
        """Whose nonces stand in `text` beside `own`."""
        for found in _NONCE.finditer(text):
            if found[0] != own:
                ours = found[1] == self._run
                yield Whose(int(found[2]) if ours else UNKNOWN, int(found[3]) if ours else -1)
