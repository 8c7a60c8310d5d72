"""Failed calls one by one: which, when, and what the target said, as far as it is known of that very call.

Samples hold no words. A call has those of its kind (`failure_kinds`) where its status and reason have one
kind alone; where they have several, the first example of each has its own, and the rest have none.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from telemetry.recording.sample import of_intent
from telemetry.recording.trace_ids import arrival_trace
from verdicts.measure.calls.failure_kinds import FailureKind, by_kind
from verdicts.run.reading import Run

MAX_CALLS: Final = 100  # rows in all; the earliest of each status and reason, as many of each
SAME: Final = 0.00051  # seconds: texts are stamped to the millisecond


class FailedCall(NamedTuple):
    """`arrival` is its place in the schedule, −1 of an extra call; times in seconds since start.

    `trace`: the id of its trace, where its request said it and it is an arrival's.
    """

    arrival: int
    account: str
    tool: str
    planned: float
    done: float
    status: int
    reason: str
    text: str
    trace: str = ""


class FailedCalls(NamedTuple):
    """`rows` of so many in all."""

    total: int
    rows: tuple[FailedCall, ...]


def of(run: Run, kinds: tuple[FailureKind, ...]) -> FailedCalls:
    """The earliest failed calls of each status and reason in order of their end, MAX_CALLS at most."""
    total = 0
    earliest: dict[tuple[int, int], NDArray[np.void]] = {}
    for kind, same in by_kind(run):
        total += len(same)
        found = np.concatenate([earliest[kind], same]) if kind in earliest else same
        earliest[kind] = found[np.argsort(found["done"], kind="stable")[:MAX_CALLS]].copy()
    each = max(MAX_CALLS // max(len(earliest), 1), 1)
    words = _words(kinds)
    calls = [_call(run, one, words) for found in earliest.values() for one in found[:each]]
    rows = sorted(calls, key=lambda call: call.done)[:MAX_CALLS]
    return FailedCalls(total, tuple(rows))


def _words(kinds: tuple[FailureKind, ...]) -> dict[tuple[int, str], list[FailureKind]]:
    found: dict[tuple[int, str], list[FailureKind]] = defaultdict(list)
    for kind in kinds:
        found[kind.status, kind.reason].append(kind)
    return found


def _call(run: Run, one: np.void, words: dict[tuple[int, str], list[FailureKind]]) -> FailedCall:
    manifest, done = run.manifest, float(one["done"])
    status, reason = int(one["status"]), manifest.reasons[one["reason"]]
    account = int(one["account"])
    return FailedCall(
        arrival=int(one["index"]),
        account=manifest.accounts[account].id if account < len(manifest.accounts) else str(account),
        tool=manifest.tools[one["tool"]] if one["tool"] < len(manifest.tools) else "",
        planned=float(one["planned"]),
        done=done,
        status=status,
        reason=reason,
        text=_text(words.get((status, reason), []), done),
        trace=_trace(run, int(one["index"])),
    )


def _trace(run: Run, index: int) -> str:
    """Of an arrival, or of a repeat of one."""
    if not run.manifest.traced or index == -1:
        return ""
    return arrival_trace(run.manifest.trace, index if index >= 0 else of_intent(index))


def _text(kinds: list[FailureKind], done: float) -> str:
    if len(kinds) == 1:
        return kinds[0].text
    return next((kind.text for kind in kinds if kind.text and abs(kind.first - done) < SAME), "")
