"""What failed, by kind: status, reason and the target's words, with counts, first time and one example.

Counts by status and reason are the samples'; what was said is the loading processes' own record, where texts
that differ in ids and numbers alone are one kind (`users.engine.error_texts`). Calls without words (a timeout,
a reset) and those beyond the record stand in a row without text.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import numpy as np

from telemetry.recording.sample import Outcome
from telemetry.run_folder.lines import ErrorText
from verdicts.run.reading import Run

MAX_ROWS: Final = 50


class FailureKind(NamedTuple):
    """`first` in seconds since start; `status` 0: no answer came; `text` "": nothing was said."""

    status: int
    reason: str
    text: str
    count: int
    first: float

    def row(self) -> dict[str, Any]:
        """As in `failures` of verdicts.json."""
        return {**self._asdict(), "first": round(self.first, 3)}


def of(run: Run) -> tuple[FailureKind, ...]:
    """Every kind of failure among all calls that went out, most frequent first; at most MAX_ROWS."""
    found = sorted(_kinds(run), key=lambda kind: (-kind.count, kind.first))
    return tuple(found[:MAX_ROWS])


def _kinds(run: Run) -> Iterator[FailureKind]:
    texts = _texts(run)
    failed = run.samples[run.out & run.became(Outcome.FAILED)]
    for status, code in sorted({(int(one["status"]), int(one["reason"])) for one in _pairs(failed)}):
        mine = failed[(failed["status"] == status) & (failed["reason"] == code)]
        reason, first = run.manifest.reasons[code], float(mine["done"].min())
        said = texts.get((status, reason), [])
        for text in said:
            yield FailureKind(status, reason, text.words, text.count, text.t)
        if (rest := len(mine) - sum(text.count for text in said)) > 0:
            yield FailureKind(status, reason, "", rest, first)


def _pairs(failed: Any) -> Any:
    return np.unique(failed[["status", "reason"]])


def _texts(run: Run) -> dict[tuple[int, str], list[ErrorText]]:
    """The last line of each kind; kinds of several workers are added up."""
    whole: dict[tuple[Any, ...], ErrorText] = {}
    for text in run.texts:
        whole[text.worker, text.status, text.reason, text.code, text.message, text.detail] = text
    found: dict[tuple[int, str], list[ErrorText]] = defaultdict(list)
    for text in whole.values():
        found[text.status, text.reason].append(text)
    return found
