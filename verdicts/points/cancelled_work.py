"""M5.1 and L1: what goes on upstream after its caller gave up, by the origins' own count of such calls.

Beside it stands the upstreams' count of calls that were broken off: work that stopped, stopped there too.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from verdicts.measure.target import callers_left, origins
from verdicts.measure.target.callers_left import CallersLeft
from verdicts.points.point import AT_500_MAU, Finding, point
from verdicts.run.reading import Run

UPSTREAM: Final = "mcpist_upstream_requests_total"
BROKEN_OFF: Final = "499"


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
    share = left.went_on / left.all
    evidence = f"{left.went_on:,.0f} of {left.all:,.0f} calls whose caller left went on."
    broken_off = run.target.sum(UPSTREAM, "upstream", status=BROKEN_OFF)
    if not np.isnan(broken_off):
        evidence += f" The upstreams counted {broken_off:,.0f} calls that were broken off."
    return Finding(
        round(100 * share, 2),
        "% of abandoned calls went on",
        evidence,
        {"share": share, "left": left.all},
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
    each = left.seconds / left.all
    return Finding(
        round(left.seconds, 2),
        "s of work without a caller",
        f"{left.went_on:,.0f} of {left.all:,.0f} calls whose caller left went on, for "
        f"{left.seconds:,.1f} s in sum: {each:,.3f} s for each caller who left.",
        {"seconds": left.seconds, "calls": left.went_on, "each": each},
    )


def _left(run: Run) -> CallersLeft | Finding:
    """Why not, where there is nothing to see."""
    left = callers_left.of(run)
    if left is None and not run.manifest.bundled:
        return Finding.unseen(f"{origins.UNSEEN} ({callers_left.CALLS}).")
    if left is None or not left.all:
        return Finding.unseen("No caller left before its answer in this run.")
    return left
