"""M5.1: what goes on upstream after its caller gave up, by the origins' own count of such calls.

Beside it stands the upstreams' count of calls that were broken off: work that stopped, stopped there too.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from verdicts.measure.target import origins
from verdicts.points.point import AT_500_MAU, Finding, point
from verdicts.run.reading import Run

COUNTER: Final = "mcpist_caller_left_total"
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
    counted = {call: run.target.sum(COUNTER, "origin-", call=call) for call in ("went-on", "stopped")}
    known = {call: value for call, value in counted.items() if not np.isnan(value)}
    left = sum(known.values())
    if not known and not run.manifest.bundled:
        return Finding.unseen(f"{origins.UNSEEN} ({COUNTER}).")
    if not left:
        return Finding.unseen("No caller left before its answer in this run.")
    share = known.get("went-on", 0.0) / left
    evidence = f"{known.get('went-on', 0.0):,.0f} of {left:,.0f} calls whose caller left went on."
    broken_off = run.target.sum(UPSTREAM, "upstream", status=BROKEN_OFF)
    if not np.isnan(broken_off):
        evidence += f" The upstreams counted {broken_off:,.0f} calls that were broken off."
    return Finding(
        round(100 * share, 2), "% of abandoned calls went on", evidence, {"share": share, "left": left}
    )
