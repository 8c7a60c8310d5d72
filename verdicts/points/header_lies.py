"""M3.1 and M3.2: requests whose `Mcp-Name` is not the name in their body.

The liars are the groups with the persona `liar` that speak the modern era: no other has the header.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from common.mcp_versions import MODERN
from verdicts.measure.calls import outcomes
from verdicts.points.point import AT_500_MAU, Finding, point
from verdicts.run.reading import Mask, Run

LIAR: Final = "liar"
LIMIT: Final = "name-limit"
NOBODY: Final = "Nobody lied in this run: no liar (users/personas/liar.py) spoke the modern era."


@point(
    "M3.1",
    en="How many requests with a lying header pass?",
    ja="ヘッダーを偽ったリクエストはどれだけ通るか",
    scenario="header-lies",
    when=AT_500_MAU,
    figures={"passed": "share"},
    units={"% of lies passed": "%(通った偽装リクエスト)"},
)
def lies_that_pass(run: Run) -> Finding:
    """Share of the liars' calls that were answered with a result."""
    liars = _liars(run)
    found = outcomes.of(run, run.sent & liars)
    if not found.sent:
        return Finding.unseen(NOBODY)
    passed = int((run.ok & liars).sum())
    share = found.share(passed)
    evidence = f"{passed:,} of {found.sent:,} calls of the liars were answered with a result."
    return Finding(round(100 * share, 2), "% of lies passed", evidence, {"passed": share})


@point(
    "M3.2",
    en="Can a limit by tool name be evaded?",
    ja="ツール名による制限は回避できるか",
    scenario="header-lies",
    when=AT_500_MAU,
    figures={"evaded": "", "admitted": "req/s", "promised": "req/s"},
    units={"× what the limit promises": "倍(制限の約束に対して)"},
)
def evaded_limit(run: Run) -> Finding:
    """Calls a second of the boldest liar that passed ÷ what the limit lets one user have of one tool."""
    if LIMIT not in run.manifest.protections or not run.manifest.bundled:
        return Finding.unseen("No limit by tool name was in force (name-limit).")
    liars = _liars(run)
    if not (run.sent & liars).any() or run.load_end <= 0:
        return Finding.unseen(NOBODY)
    promised = float(run.manifest.settings("protections").get(LIMIT, {}).get("per_s", 5))
    passed = np.bincount(run.samples["account"][run.ok & liars], minlength=1)
    admitted = float(passed.max()) / run.load_end
    return Finding(
        round(admitted / promised, 3),
        "× what the limit promises",
        f"{admitted:.2f} calls a second of one user passed; {LIMIT} promises {promised:g} to one tool.",
        {"evaded": admitted / promised, "admitted": admitted, "promised": promised},
    )


def _liars(run: Run) -> Mask:
    """Records of the groups that lie."""
    groups = run.scenario.get("groups", ())
    lying = {one["name"] for one in groups if one["persona"]["name"] == LIAR and run.spoken(one) == MODERN}
    return run.of_groups(lying)
