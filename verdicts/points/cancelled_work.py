"""M5.1 and L1: what goes on upstream after its caller gave up, by the origins' own count of such calls.

Beside it stands the upstreams' count of calls that were broken off: work that stopped, stopped there too.
Callers know how many of them left, too. Where the origins noticed `MOST_MISSED` fewer nobody knows what
became of the work of the others: all of it may have gone on, or none.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from telemetry.recording.sample import Outcome
from verdicts.measure.target import callers_left, origins
from verdicts.measure.target.callers_left import CallersLeft
from verdicts.points.point import AT_500_MAU, Finding, point
from verdicts.run.reading import Run

UPSTREAM: Final = "mcpist_upstream_requests_total"
BROKEN_OFF: Final = "499"
STREAM: Final = "standing stream"
MOST_MISSED: Final = 0.01  # share of those who left


@point(
    "M5.1",
    en="How much upstream work goes on after the caller left?",
    ja="呼び出し元が去った後も続く上流の処理はどれだけか",
    scenario="cancel",
    when=AT_500_MAU,
    figures={"share": "share", "left": ""},
    units={"% of abandoned calls went on": "%(続いた放棄済み呼び出し)"},
)
def work_without_caller(run: Run) -> Finding:
    """Calls that went on ÷ calls whose caller left before the answer."""
    left = _left(run)
    if isinstance(left, Finding):
        return left
    missed = _missed(run, left)
    everybody = left.all + missed
    share, most = left.went_on / everybody, (left.went_on + missed) / everybody
    evidence = f"{left.went_on:,.0f} of {everybody:,.0f} calls whose caller left went on.{_unnoticed(missed)}"
    broken_off = run.target.sum(UPSTREAM, "upstream", status=BROKEN_OFF)
    if not np.isnan(broken_off):
        evidence += f" The upstreams counted {broken_off:,.0f} calls that were broken off."
    return Finding(
        round(100 * share, 2) if left.all else None,
        "% of abandoned calls went on",
        evidence,
        {"share": most, "left": everybody},
        at_least={"share": share},
    )


@point(
    "L1",
    en="How many seconds of work go on after their callers left?",
    ja="呼び出し元が去った後に続く処理は合計何秒か",
    scenario="cancel",
    when=AT_500_MAU,
    figures={"seconds": "s", "calls": "", "each": "s"},
    units={"s of work without a caller": "秒(呼び出し元のいない処理)"},
)
def seconds_without_caller(run: Run) -> Finding:
    """Seconds of calls between their callers' leaving and their end; `each`: by call whose caller left."""
    left = _left(run)
    if isinstance(left, Finding):
        return left
    if math.isnan(left.seconds):
        return Finding.unseen(f"{origins.UNSEEN} ({callers_left.SECONDS}).")
    missed = _missed(run, left)
    everybody = left.all + missed
    least = {"seconds": left.seconds, "calls": left.went_on, "each": left.seconds / everybody}
    return Finding(
        round(left.seconds, 2) if left.all else None,
        "s of work without a caller",
        f"{left.went_on:,.0f} of {everybody:,.0f} calls whose caller left went on, for "
        f"{left.seconds:,.1f} s in sum: {least['each']:,.3f} s for each caller who left.{_unnoticed(missed)}",
        dict.fromkeys(least, math.inf) if missed else least,
        at_least=least,
    )


def _left(run: Run) -> CallersLeft | Finding:
    """Why not, where there is nothing to see."""
    left = callers_left.of(run)
    if left is None and not run.manifest.bundled:
        return Finding.unseen(f"{origins.UNSEEN} ({callers_left.CALLS}).")
    left = left or CallersLeft(0.0, 0.0, 0.0)  # counters with a label are not there before their first count
    if not left.all and not _missed(run, left):
        return Finding.unseen("No caller left before its answer in this run.")
    return left


def _missed(run: Run, left: CallersLeft) -> float:
    """How many of those who left, by their own samples, no origin noticed; 0 for a few."""
    gone = run.out & run.became(Outcome.ABORTED) & ~run.of_tools({STREAM})
    missed = int(gone.sum()) - left.all
    return missed if missed > MOST_MISSED * int(gone.sum()) else 0.0


def _unnoticed(missed: float) -> str:
    return f" {missed:,.0f} more left unnoticed by the origins: what became of their work nobody told." * (
        missed > 0
    )
