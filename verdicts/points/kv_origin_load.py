"""P1.2: what reaches the origin before and after the KV's quota ran out, beside what was offered."""

from __future__ import annotations

import math
from typing import Final

from telemetry.probing.target_log import Span
from verdicts.measure.limits import promises, quota
from verdicts.measure.target import origins
from verdicts.points.point import AT_500_MAU, Finding, Value, point
from verdicts.run.reading import Run

RATES: Final = dict.fromkeys(("before", "after", "offered"), "req/s")


@point(
    "P1.2",
    en="How much load reaches the origin once the burst limit stops working?",
    ja="バースト制限が効かなくなるとオリジンの負荷はどれだけになるか",
    scenario="kv-exhaustion",
    when=AT_500_MAU,
    part="edge",
    figures={**RATES, "let_through": "share", "excess": "share"},
    units={
        "req/s at the origin past the quota": "req/s(クォータ超過後のオリジン)",
        "req/s at the origin, quota unused": "req/s(オリジン、クォータ未超過)",
    },
)
def origin_load_past_the_quota(run: Run) -> Finding:
    """Req/s at the origins; `let_through` is after ÷ offered, `excess` after ÷ what the limit would admit.

    Where the quota held out, `after` is the whole run's.
    """
    spans = quota.of(run)
    if spans is None:
        return Finding.unseen(quota.UNSEEN)
    after = spans.after or spans.before
    rate, offered, bound = quota.at_origin(run, after), quota.offered(run, after), _bound(run)
    if math.isnan(rate):
        return Finding.unseen(origins.UNSEEN + f" ({origins.REQUESTS}).")
    rows = [_row(run, "before", spans.before), *([_row(run, "after", after)] if spans.after else [])]
    return Finding(
        round(rate, 1),
        "req/s at the origin past the quota" if spans.after else "req/s at the origin, quota unused",
        f"{rate:,.1f} of {offered:,.1f} req/s offered reached {origins.named(run)}{_instead(bound)}. "
        f"{quota.setting(run)}".rstrip(),
        {
            "before": quota.at_origin(run, spans.before),
            "after": rate,
            "offered": offered,
            "let_through": rate / offered,
            "excess": rate / bound,
        },
        rows=tuple(rows),
    )


def _bound(run: Run) -> float:
    """Req/s that the burst limit would admit of all accounts together; NaN if none is promised."""
    promise = promises.burst(run)
    if promise is None:
        return float("nan")
    groups = {group["name"]: group for group in run.scenario["groups"]}
    rates = (float(groups[account.group]["rate"]) for account in run.manifest.accounts)
    return sum(min(rate, promise.limit / promise.width) for rate in rates)


def _instead(bound: float) -> str:
    return f"; the burst limit would admit {bound:,.1f}" if not math.isnan(bound) else ""


def _row(run: Run, when: str, span: Span) -> dict[str, Value]:
    rates = {"offered req/s": quota.offered(run, span), "origin req/s": quota.at_origin(run, span)}
    known = {name: None if math.isnan(rate) else round(rate, 1) for name, rate in rates.items()}
    return {"quota": when, "from s": round(span[0], 1), "to s": round(span[1], 1), **known}
