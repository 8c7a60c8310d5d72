"""P3.6: how fast a flood uses up the edge's free requests, and whether any of it reaches the origin.

The bundled edge is a Cloudflare Worker of the free plan; a target of one's own has a free tier only where its
file names one (`limits.free_per_day`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from telemetry.recording.sample import REASONS, Outcome
from verdicts.measure.limits import forged_tokens, promises
from verdicts.measure.target import origins
from verdicts.points.point import BEFORE_1000_MAU, Finding, Value, point
from verdicts.run.reading import Mask, Run

BY_THE_EDGE: Final = ("ip_limit_exceeded", "burst_exceeded", "missing_token", "invalid_token", "kv_error")
"""What the bundled edge answers itself, and no origin sees."""
FREE_A_DAY = 100_000
MINUTES_A_DAY = 1440


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
    free = FREE_A_DAY if run.manifest.bundled else promises.free_a_day(run)
    if free is None:
        return Finding.unseen("The target file names no free tier (limits.free_per_day).")
    if not count or not seconds > 0:
        return Finding.unseen("No bad token was sent.")
    a_minute = count / seconds * 60
    share = a_minute / free
    days = share * MINUTES_A_DAY
    return Finding(
        round(days, 1),
        "days of the free tier, used up by a day of this flood",
        f"{a_minute:,.0f} requests a minute: the {free:,} free ones of a day last "
        f"{1 / share:.1f} minutes; each refused request counts as one. {free / 86_400:.2f} req/s are "
        f"enough to use a day up{_one_address(run, free)}.",
        figures={"share": share, "days": days},
    )


def _one_address(run: Run, free: int) -> str:
    """How long an address would take that keeps to its limit."""
    most = promises.promised(run, "ip_per_min")
    if most is None:
        return ""
    return f", and one address at the IP limit of {most:,} a minute takes {free / most:g} minutes"


def _at_the_origin(run: Run) -> Finding:
    bad = forged_tokens.bad(run)
    accepted = int((bad & (run.samples["outcome"] == Outcome.OK)).sum())
    at_origin = origins.requests(run)
    if np.isnan(at_origin):
        return Finding.unseen(origins.UNSEEN, part="origin")
    good = int((run.out & ~bad & ~_by_the_edge(run)).sum())
    stray = max(0, round(at_origin) - good)
    if stray and not accepted and not run.manifest.bundled:
        return Finding.unseen(
            f"Not observed: the target counted {at_origin:,.0f} requests; {good:,} calls had good tokens; "
            "it does not tell whether those that it refuses are among them.",
            part="origin",
        )
    return Finding(
        stray + accepted,
        "requests at the origin from bad tokens",
        f"The origin counted {at_origin:,.0f} requests; the calls with good tokens that may have reached it "
        f"are {good:,}. "
        f"Of {int(bad.sum()):,} bad tokens {accepted} got a result.",
        part="origin",
        status="pass" if not stray and not accepted else "fail",
        rows=tuple(_by_kind(run)),
    )


def _by_the_edge(run: Run) -> Mask:
    """Calls that ended there; of a target's own nobody knows."""
    names = BY_THE_EDGE if run.manifest.bundled else ()
    codes = [code for code, name in enumerate(run.manifest.reasons) if name in names]
    found: Mask = np.isin(run.samples["reason"], codes) & (run.samples["outcome"] == Outcome.FAILED)
    return found


def _by_kind(run: Run) -> Iterator[dict[str, Value]]:
    for kind in forged_tokens.kinds(run):
        samples = run.samples[kind.calls]
        reasons, counts = np.unique(samples["reason"], return_counts=True)
        told = ", ".join(
            f"{REASONS[code] or 'ok'} {count:,}" for code, count in zip(reasons, counts, strict=True)
        )
        yield {"kind": kind.name, "sent": len(samples), "answers": told}
