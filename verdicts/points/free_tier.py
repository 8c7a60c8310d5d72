"""P3.6: how fast a flood uses up the edge's free requests, and whether any of it reaches the origin."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from telemetry.recording.sample import REASONS, Outcome
from verdicts.measure.limits import forged_tokens
from verdicts.measure.target import origins
from verdicts.points.point import BEFORE_1000_MAU, Finding, Value, point
from verdicts.run.reading import Run

FREE_A_DAY = 100_000
MINUTES_A_DAY = 1440
IP_A_MINUTE = 1000


@point(
    "P3.6",
    en="How many days of the free tier does the flood use up?",
    ja="攻撃により無料枠は何日分消費されるか",
    scenario="invalid-jwt",
    when=BEFORE_1000_MAU,
    figures={"share": "share", "days": ""},
    units={
        "days of the free tier, used up by a day of this flood": "日分(攻撃が1日続く場合の無料枠の消費)",
        "requests at the origin from bad tokens": "件(オリジンに届いた無効なトークンのリクエスト)",
    },
)
def free_tier(run: Run) -> Iterator[Finding]:
    """Days of the free tier that a day of the attack uses (`share`: in a minute); then the origin's part."""
    yield _used(run)
    yield _at_the_origin(run)


def _used(run: Run) -> Finding:
    calls = forged_tokens.bad(run)
    count, seconds = int(calls.sum()), forged_tokens.span(run, calls)
    if not count or not seconds > 0:
        return Finding.unseen("No bad token was sent.")
    a_minute = count / seconds * 60
    share = a_minute / FREE_A_DAY
    days = share * MINUTES_A_DAY
    return Finding(
        round(days, 1),
        "days of the free tier, used up by a day of this flood",
        f"{a_minute:,.0f} requests a minute: the {FREE_A_DAY:,} free ones of a day last "
        f"{1 / share:.1f} minutes; each refused request counts as one. {FREE_A_DAY / 86_400:.2f} req/s are "
        f"enough to use a day up, and one address at the IP limit of {IP_A_MINUTE:,} a minute takes "
        f"{FREE_A_DAY / IP_A_MINUTE:g} minutes.",
        figures={"share": share, "days": days},
    )


def _at_the_origin(run: Run) -> Finding:
    bad = forged_tokens.bad(run)
    accepted = int((bad & (run.samples["outcome"] == Outcome.OK)).sum())
    at_origin = origins.requests(run)
    if np.isnan(at_origin):
        return Finding.unseen(origins.UNSEEN, part="origin")
    good = int((run.out & ~bad).sum())
    stray = max(0, round(at_origin) - good)
    return Finding(
        stray + accepted,
        "requests at the origin from bad tokens",
        f"The origin counted {at_origin:,.0f} requests; the calls with good tokens alone are {good:,}. "
        f"Of {int(bad.sum()):,} bad tokens {accepted} got a result.",
        part="origin",
        status="pass" if not stray and not accepted else "fail",
        rows=tuple(_by_kind(run)),
    )


def _by_kind(run: Run) -> Iterator[dict[str, Value]]:
    for kind in forged_tokens.kinds(run):
        samples = run.samples[kind.calls]
        reasons, counts = np.unique(samples["reason"], return_counts=True)
        told = ", ".join(
            f"{REASONS[code] or 'ok'} {count:,}" for code, count in zip(reasons, counts, strict=True)
        )
        yield {"kind": kind.name, "sent": len(samples), "answers": told}
