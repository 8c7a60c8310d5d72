"""I1: answers that were another call's, where calls carry a mark of their own (`{nonce}`, `common.expect`).

Bound: none, always. Where none was seen, the rate's upper bound at 95 % is three divided by the answers that
were looked at.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np

from telemetry.run_folder.lines import ForeignAnswer
from verdicts.measure.calls import isolation, outcomes
from verdicts.points.point import AT_100_MAU, Finding, Value, point
from verdicts.run.reading import Run

MOST: Final = 50  # rows
LATE: Final = ("checked", "foreign", "wrong", "unasked")
SEEDED: Final = "mcpist_bug_answers_total"


@point(
    "I1",
    en="How many answers reached another caller?",
    ja="別の呼び出し元に届いた応答はどれだけあるか",
    scenario="crosstalk",
    when=AT_100_MAU,
    figures={"foreign": "", "wrong": "", "checked": "", "rate": "share"},
    units={"foreign answers": "件(他者の応答)"},
)
def foreign_answers(run: Run) -> Finding:
    """How many, of how many answers, and the rate's upper bound."""
    late = {what: isolation.late(run, what) for what in LATE}
    checked = int(isolation.looked_at(run).sum()) + late["checked"]
    if not checked:
        return Finding.unseen("No tool of this run has a {nonce} or an `expect` that was answered.")
    foreign, wrong = (
        int((run.out & outcomes.failed_by(run, (reason,))).sum())
        for reason in (isolation.FOREIGN, isolation.WRONG)
    )
    foreign += late["foreign"] + late["unasked"]
    wrong += late["wrong"]
    return Finding(
        foreign,
        "foreign answers",
        _evidence(foreign, wrong, checked) + _late(late) + _seeded(run),
        {"foreign": foreign, "wrong": wrong, "checked": checked, "rate": foreign / checked},
        rows=tuple(_rows(run)),
    )


def _evidence(foreign: int, wrong: int, checked: int) -> str:
    if foreign:
        rate = f"{foreign:,} of {checked:,} answers were another call's, one in {checked / foreign:,.0f}."
    else:
        most = isolation.RULE_OF_THREE / checked * 1e6
        told = f"{most:,.0f}" if most >= 100 else f"{most:.3g}"
        rate = f"None of {checked:,} answers: with 95 % confidence at most {told} in a million."
    return rate + (f" {wrong:,} more did not say what was expected." if wrong else "")


def _late(late: Mapping[str, int]) -> str:
    """What was read although nobody waited for it any more."""
    if not late["checked"] + late["unasked"]:
        return ""
    return (
        f" {late['checked']:,} of them came to calls that had timed out, {late['foreign']:,} of these "
        f"another's; {late['unasked']:,} more came on connections on which nothing was due."
    )


def _seeded(run: Run) -> str:
    """What the bugs that a scenario put into the bundled stack counted themselves."""
    counted = run.target.sum(SEEDED, "origin-")
    return f" The seeded bugs gave {counted:,.0f} answers to other callers." if counted > 0 else ""


def _rows(run: Run) -> Iterator[dict[str, Value]]:
    """The earliest: who got it, whose it was, and the times of both calls where they are known."""
    told = sorted(run.foreign, key=lambda one: one.t)[:MOST]
    sent = _sent(run, {number for one in told for number in (one.arrival, one.of_arrival)})
    for one in told:
        yield {
            "answered at, s": round(one.t, 3),
            "caller": _account(run, one.account),
            "sent at, s": sent.get(one.arrival),
            "belongs to": _account(run, one.of_account),
            "its call sent at, s": sent.get(one.of_arrival),
            "shown by": one.by,
            "own account": _same(one),
        }


def _sent(run: Run, arrivals: set[int]) -> dict[int, float]:
    """Arrival → when it was sent."""
    mask = run.sent & run.samples["index"].isin(list(arrivals - {-1}))
    found = run.samples[mask]
    times = zip(found["index"].tolist(), np.round(found["sent"], 3).tolist(), strict=True)
    return {index: sent for index, sent in times if not math.isnan(sent)}


def _account(run: Run, account: int) -> str:
    known = 0 <= account < len(run.manifest.accounts)
    return run.manifest.accounts[account].id if known else "not known"


def _same(one: ForeignAnswer) -> str:
    return "yes" if one.account == one.of_account else "no"
