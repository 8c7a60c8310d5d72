"""Is the money safe? The books of the database (`consistency.json`) held against the clients' own samples.

An ok call of a tool was charged once, an ok batch once a command. A call that failed after it may have been
charged (timeout, reset, the tool's own error, …) may or may not stand in the books; one that was refused
before the charge must not. So, for each account:

    due ≤ transactions ≤ due + maybe

With `idempotency` the repeats of a call with a key are not charged: one success of an intent is due.

`missing`: successful calls that were never charged. `doubled`: charges beyond any call.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from telemetry.recording.sample import REFUSALS, Outcome, of_intent
from verdicts.measure.calls import outcomes
from verdicts.measure.calls.concurrency import BATCH, COMMANDS
from verdicts.run.reading import Mask, Run

# Failures that come before the charge, beside the refusals; the edge's CPU may run out on the way back.
BEFORE: Final = ("connect", "db_pool_timeout", "kv_error", "bad_gateway_secret")
SHOWN: Final = 5


class Books(NamedTuple):
    """The comparison; `problems` is empty if everything balances."""

    facts: Mapping[str, Any]
    due: int
    missing: int
    doubled: int
    surplus: int  # charged, and the client has no success to show for it
    problems: tuple[str, ...]


def of(run: Run) -> Books | None:
    """The books of a run; None where nobody looked into the database."""
    facts = run.consistency
    if facts is None:
        return None
    ids = [account.id for account in run.manifest.accounts]
    written = np.array([facts["by_user"].get(id, (0, 0))[0] for id in ids], dtype=np.int64)
    due, maybe = _charges(run, len(ids))
    missing, surplus = np.maximum(due - written, 0), np.maximum(written - due, 0)
    doubled = np.zeros_like(surplus) if _torn(run) else np.maximum(surplus - maybe, 0)
    strange = sorted(set(facts["by_user"]) - set(ids))
    problems = (
        *facts["problems"],
        *_named("successful calls that were never charged", missing, ids),
        *_named("charges beyond any call", doubled, ids),
        *([f"charges of accounts that the run has not: {', '.join(strange[:SHOWN])}"] if strange else []),
    )
    return Books(facts, int(due.sum()), int(missing.sum()), int(doubled.sum()), int(surplus.sum()), problems)


def _torn(run: Run) -> bool:
    """Calls of a loading process that was killed are in the books, but not in the samples."""
    return bool(run.lost)


def _charges(run: Run, accounts: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """By account: charges due for successes, and charges that failures may have left."""
    price = np.array([_price(label) for label in run.manifest.tools], dtype=np.int64)
    weight = price[run.samples["tool"]] if len(price) else np.zeros(len(run.samples), dtype=np.int64)
    ok = _due(run, run.became(Outcome.OK))
    maybe = run.out & ~run.became(Outcome.OK) & ~outcomes.failed_by(run, (*REFUSALS, *BEFORE))
    sums = [
        np.bincount(run.samples["account"][mask], weight[mask], minlength=accounts) for mask in (ok, maybe)
    ]
    return sums[0].astype(np.int64), sums[1].astype(np.int64)


def _due(run: Run, ok: Mask) -> Mask:
    """Successes that were charged: where repeats get the first one's answer, one of each intent."""
    keyed = any(str(point).startswith("E") for point in run.scenario.get("points", ()))
    if "idempotency" not in run.manifest.protections or not keyed:
        return ok
    index, places = run.samples["index"][ok], np.flatnonzero(ok)
    first = np.unique(np.where(index < -1, of_intent(0) - index, index), return_index=True)[1]
    due = np.zeros_like(ok)
    due[places[first]] = True
    due[places[index == -1]] = True
    return due


def _price(label: str) -> int:
    """Charges of one call of a tool: `module.tool` is one, methods of the protocol cost nothing."""
    return COMMANDS if label == BATCH else int("." in label)


def _named(what: str, counts: NDArray[np.int64], ids: list[str]) -> list[str]:
    bad = np.flatnonzero(counts)
    if not bad.size:
        return []
    shown = ", ".join(f"{ids[i]} {counts[i]}" for i in bad[:SHOWN])
    return [f"{int(counts.sum()):,} {what} ({shown})"]
