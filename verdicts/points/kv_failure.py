"""P1.3: how a failed KV operation is handled, and what the user sees: status, words, and in which order.

An account's calls of one window are written in the order in which they were sent: `.` passed, `E` failed
for the KV, `x` refused by a protection, `?` anything else. *throw* with counts in memory is `E....xxxxx`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

import numpy as np

from telemetry.probing.target_log import Span
from verdicts.measure.calls import outcomes
from verdicts.measure.limits import promises, quota, windows
from verdicts.points.point import AT_500_MAU, Finding, Value, point
from verdicts.run.reading import Run

REASON: Final = "kv_error"
NOTHING: Final = "nothing: no call failed for it"
UNMET: Final = f"Not observed: KV refused nothing ({quota.FAILURES}), so no write failed."
LONGEST: Final = 10
MOST_ROWS: Final = 4


@point(
    "P1.3",
    en="How is a failed KV write handled, and what does the user see?",
    ja="KVの書き込み失敗はどう処理され、ユーザーには何が見えるか",
    scenario="kv-exhaustion",
    when=AT_500_MAU,
    part="edge",
    figures={"seen": "share", "failures": ""},
)
def failed_write(run: Run) -> Finding:
    """`seen`: share of calls that the user saw fail for the KV; `failures`: KV operations refused."""
    spans = quota.of(run)
    if spans is None:
        return Finding.unseen(quota.UNSEEN)
    whole = (0.0, run.load_end)
    calls = quota.within(run, whole)
    found = outcomes.of(run, calls)
    seen = found.errors.get(REASON, 0)
    failures = quota.failures(run, whole)
    if not failures and not seen:
        return Finding.unseen(UNMET)
    return Finding(
        _words(run) if seen else NOTHING,
        "",
        f"KV refused {failures:,} operations; {seen:,} of {found.sent:,} calls ended with {REASON}"
        f"{_statuses(run)}. {quota.setting(run)}".rstrip(),
        {"seen": found.share(seen), "failures": float(failures)},
        rows=tuple(_rows(run, spans)),
    )


def _words(run: Run) -> str:
    said = [text.message for text in run.texts if text.reason == REASON]
    return "; ".join(dict.fromkeys(said)) or "an answer without words"


def _statuses(run: Run) -> str:
    status = run.samples["status"][run.sent & outcomes.failed_by(run, (REASON,))]
    found = [f"{int(code)}: {int((status == code).sum()):,}" for code in np.unique(status)]
    return f" (status {', '.join(found)})" if found else ""


def _rows(run: Run, spans: quota.Quota) -> Iterator[dict[str, Value]]:
    for when, span in (("before", spans.before), ("after", spans.after)):
        if span is not None:
            yield from _patterns(run, when, span)


def _patterns(run: Run, when: str, span: Span) -> Iterator[dict[str, Value]]:
    causes = {cause: quota.failures(run, span, op="put", cause=cause) for cause in ("quota", "key-rate")}
    found = Counter(orders(run, span))
    for order, count in found.most_common(MOST_ROWS):
        yield {
            "quota": when,
            "order in a window": order,
            "windows": count,
            "of windows": found.total(),
            "writes refused: quota": causes["quota"],
            "writes refused: key rate": causes["key-rate"],
        }


def orders(run: Run, span: Span) -> Iterator[str]:
    """What became of an account's calls in each window of the span, in the order they were sent."""
    promise = promises.burst(run)
    width = promise.width if promise else 1.0
    calls = quota.within(run, span)
    first, last = windows.spans(run, calls).windows(width)
    letters = np.where(first == last, _letters(run)[calls], "")  # "": perhaps of the next window
    keys = list(zip(run.samples["account"][calls].tolist(), first.tolist(), strict=True))
    zero = float(run.manifest.start_wall)
    told: dict[tuple[int, int], list[str]] = {}
    for place in np.argsort(run.samples["sent"][calls], kind="stable"):
        told.setdefault(keys[place], []).append(str(letters[place]))
    for (_, window), found in told.items():
        start = window * width - zero
        if all(found) and span[0] <= start and start + width <= span[1]:
            yield _cut("".join(found))


def _cut(order: str) -> str:
    return order if len(order) <= LONGEST else f"{order[:LONGEST]}…"


def _letters(run: Run) -> np.ndarray[tuple[int], np.dtype[np.str_]]:
    letters = np.full(len(run.samples), "?")
    letters[run.ok] = "."
    letters[outcomes.refused(run)] = "x"
    letters[outcomes.failed_by(run, (REASON,))] = "E"
    return letters
