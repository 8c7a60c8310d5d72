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


@point(
    "P3.6",
    en="How many days of the free tier does the flood use up?",
    ja="攻撃により無料枠は何日分消費されるか",
    scenario="invalid-jwt",
    when=BEFORE_1000_MAU,
    figures={"share": "share"},
    units={
        "% of a day's free requests a minute": "%(1日の無料枠に対する1分あたりの消費)",
        "requests at the origin from bad tokens": "件(オリジンに届いた無効なトークンのリクエスト)",
    },
)
def free_tier(run: Run) -> Iterator[Finding]:
    """Share of a day's free requests that a minute of this attack uses; then what the origin saw of it."""
    yield _used(run)
    yield _at_the_origin(run)


def _used(run: Run) -> Finding:
    calls = forged_tokens.bad(run)
    count, seconds = int(calls.sum()), forged_tokens.span(run, calls)
    if not count or not seconds > 0:
        return Finding.unseen("No bad token was sent.")
    a_minute = count / seconds * 60
    share = a_minute / FREE_A_DAY
    return Finding(
        round(share * 100, 2),
        "% of a day's free requests a minute",
        f"{a_minute:,.0f} requests a minute: the {FREE_A_DAY:,} free ones of a day last "
        f"{1 / share:.1f} minutes; each refused request counts as one.",
        figures={"share": share},
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
