"""Which calls carried bad tokens, and which of the edge's counters tell of them.

A group whose persona is `forger` sends bad tokens of one kind; every other group's tokens are good.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from verdicts.run.reading import Run

VERIFY: Final = "mcpist_jwt_verify_cpu_seconds"
# What the edge calls each kind (`fakes/edge/auth.py`).
RESULTS: Final = {
    "bad-signature": "bad_signature",
    "expired": "expired",
    "unknown-kid": "unknown_kid",
    "alg-none": "wrong_algorithm",
    "hs256-public-key": "wrong_algorithm",
    "wrong-issuer": "wrong_issuer",
    "garbage": "malformed",
}


class TokenKind(NamedTuple):
    """One kind of bad token: its name and its calls that went out (a mask over the samples)."""

    name: str
    calls: NDArray[np.bool_]


def kinds(run: Run) -> Iterator[TokenKind]:
    """Every kind of the run."""
    for number, group in enumerate(run.scenario["groups"]):
        persona = group.get("persona", {})
        if persona.get("name") == "forger":
            yield TokenKind(persona["options"]["kind"], run.out & (run.samples["group"] == number))


def bad(run: Run) -> NDArray[np.bool_]:
    """All calls with a bad token."""
    mask = np.zeros(len(run.samples), dtype=bool)
    for kind in kinds(run):
        mask |= kind.calls
    return mask


def span(run: Run, calls: NDArray[np.bool_]) -> float:
    """Seconds from the first of `calls` to the last one's place in time, at least one arrival's."""
    planned = run.samples["planned"][calls]
    if len(planned) < 2:
        return float("nan")
    return float(planned.max() - planned.min()) * len(planned) / (len(planned) - 1)


def no_forgery(run: Run, kind: str) -> str:
    """Why a gateway may rightly accept this kind, as a sentence; "" where it must refuse it.

    What the target's good tokens do not name no gateway can hold others to; with one shared secret (HS256) a
    key id means nothing.
    """
    auth = run.manifest.target.get("auth") or {}
    if kind == "unknown-kid" and auth.get("algorithm") == "HS256":
        return "With HS256 a sound signature under an unknown key id is no forgery."
    if kind == "unknown-kid" and auth.get("kid", "") is None:
        return "Where tokens name no key (auth.kid), a sound signature under an unknown key id is no forgery."
    if kind == "wrong-issuer" and auth.get("issuer", "") is None and "iss" not in auth.get("claims", {}):
        return "Where tokens name no issuer (auth.issuer), a soundly signed one that does is no forgery."
    return ""


def is_forgery(run: Run, kind: str) -> bool:
    """Whether a gateway must refuse this kind."""
    return not no_forgery(run, kind)
