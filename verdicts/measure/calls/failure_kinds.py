"""What failed, by kind: status, reason and the target's words, with counts, first time and one example.

Counts by status and reason are the samples'; what was said is the loading processes' own record, where
texts that differ in ids and numbers alone are one kind (`users.engine.error_texts`). Calls without words (a
timeout, a reset) and those beyond the record stand in a row without text.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from telemetry.recording.sample import Outcome
from verdicts.run.reading import Run

MAX_ROWS: Final = 50


class FailureKind(NamedTuple):
    """`first` in seconds since start; `status` 0: no answer came; `text` "": nothing was said."""

    status: int
    reason: str
    text: str
    calls: int
    first: float

    def row(self) -> dict[str, Any]:
        """As in `failures` of verdicts.json."""
        status, reason, text, count, first = self
        return {"status": status, "reason": reason, "text": text, "count": count, "first": round(first, 3)}


def of(run: Run) -> tuple[FailureKind, ...]:
    """Every kind of failure among all calls that went out, most frequent first; at most MAX_ROWS."""
    found = sorted(_kinds(run), key=lambda kind: (-kind.calls, kind.first))
    return tuple(found[:MAX_ROWS])


def _kinds(run: Run) -> Iterator[FailureKind]:
    said = _said(run)
    for (status, code), (count, first) in sorted(_counted(run).items()):
        reason = run.manifest.reasons[code]
        kinds = said.get((status, reason), [])
        yield from kinds
        if (rest := count - sum(kind.calls for kind in kinds)) > 0:
            yield FailureKind(status, reason, "", rest, first)


def _counted(run: Run) -> dict[tuple[int, int], tuple[int, float]]:
    """Status and reason → how many calls, and when the first of them ended."""
    found: dict[tuple[int, int], tuple[int, float]] = {}
    for kind, calls in by_kind(run):
        count, first = found.get(kind, (0, math.inf))
        found[kind] = count + len(calls), min(first, float(calls["done"].min()))
    return found


def by_kind(run: Run) -> Iterator[tuple[tuple[int, int], NDArray[np.void]]]:
    """Status and reason code, and failed calls of that kind; a kind comes once a piece of the samples."""
    failed = run.out & run.became(Outcome.FAILED)
    for part, records in run.samples.pieces(failed):
        mine = records[failed[part]]
        for kind in np.unique(mine[["status", "reason"]]).tolist():
            yield kind, mine[(mine["status"] == kind[0]) & (mine["reason"] == kind[1])]


def _said(run: Run) -> dict[tuple[int, str], list[FailureKind]]:
    """Kinds with words by status and reason; those of several workers are one."""
    found: dict[tuple[int, str], dict[str, FailureKind]] = defaultdict(dict)
    for text in sorted(run.texts, key=lambda one: one.t):
        kinds, kind = found[text.status, text.reason], text.kind or text.words
        first = kinds.get(kind, FailureKind(text.status, text.reason, text.words, 0, text.t))
        kinds[kind] = first._replace(calls=first.calls + text.count)
    return {key: list(kinds.values()) for key, kinds in found.items()}
