"""P1.1: what becomes of requests past the KV's daily quota; and whether the KV's own books agree.

Calls by outcome, before and after the quota ran out. The KV is believed only if its counters equal what its
store holds, and what the clients saw equals what the edge says it answered.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from telemetry.probing.target_log import Span
from telemetry.recording.sample import Outcome
from verdicts.measure.calls import outcomes
from verdicts.measure.limits import quota
from verdicts.points.point import AT_500_MAU, Finding, Value, point
from verdicts.run.reading import Run

NAN = float("nan")


@point(
    "P1.1",
    en="What happens to requests past the daily KV quota?",
    ja="KVの日次クォータを超えるとリクエストはどうなるか",
    scenario="kv-exhaustion",
    when=AT_500_MAU,
    part="edge",
    figures={"served": "share", "kv_error": "share", "refused": "share", "at": "s"},
    units={
        "% served past the quota": "% 成功(クォータ超過後)",
        "writes counted − stored": "件(計上した書き込み − 保存済み)",
    },
)
def past_the_quota(run: Run) -> Iterator[Finding]:
    """Shares of the calls sent after the quota ran out; then the KV's books."""
    spans = quota.of(run)
    if spans is None:
        yield Finding.unseen(quota.UNSEEN)
        return
    tier = quota.kv_tier(run)
    if tier in ("", "free"):
        yield _after(run, spans)
    else:
        yield Finding.unseen(f"A KV of plan {tier} has no daily quota that could run out ({_used(run)}).")
    if run.manifest.bundled:
        yield _books(run)


def _after(run: Run, spans: quota.Quota) -> Finding:
    rows = [*_rows(run, "before", spans.before)]
    if spans.after is None:
        return Finding(
            None,
            "% served past the quota",
            f"The quota did not run out within {run.load_end:g} s of load ({_used(run)}).",
            dict.fromkeys(("served", "kv_error", "refused", "at"), NAN),
            rows=tuple(rows),
        )
    rows += _rows(run, "after", spans.after)
    found = outcomes.of(run, quota.within(run, spans.after))
    served = found.share(found.sent - found.error_count - found.refusal_count)
    failed, refused = found.share(found.errors.get("kv_error", 0)), found.share(found.refusal_count)
    return Finding(
        round(100 * served, 2),
        "% served past the quota",
        f"The quota ran out between {spans.before[1]:.1f} and {spans.after[0]:.1f} s ({_used(run)}). Of "
        f"{found.sent:,} calls after it {served:.1%} succeeded, {failed:.1%} failed for the KV, "
        f"{refused:.1%} were refused by a protection. {quota.setting(run)}".rstrip(),
        {"served": served, "kv_error": failed, "refused": refused, "at": spans.after[0]},
        rows=tuple(rows),
    )


def _used(run: Run) -> str:
    reads, writes = (
        run.target.total(quota.source(run), f"mcpist_kv_{what}_total") for what in ("reads", "writes")
    )
    return f"{writes:,.0f} writes and {reads:,.0f} reads were served"


def _rows(run: Run, when: str, span: Span) -> Iterator[dict[str, Value]]:
    calls = quota.within(run, span)
    sent = int(calls.sum())
    yield _row(when, "ok", int((calls & run.became(Outcome.OK)).sum()), sent)
    for reason, count in run.reasons(calls & run.became(Outcome.FAILED)).items():
        yield _row(when, reason, count, sent)


def _row(when: str, became: str, calls: int, sent: int) -> dict[str, Value]:
    share = round(100 * calls / sent, 2) if sent else None
    return {"quota": when, "became": became, "calls": calls, "% of sent": share}


def _books(run: Run) -> Finding:
    """Writes by the counters against those of the store; failures seen against failures answered."""
    edge = quota.source(run)
    _, stored = run.target.series(edge, "mcpist_kv_stored_writes")
    _, counted = run.target.series(edge, quota.WRITES)
    if not stored.size:
        return Finding.unseen("Not observed: the edge shows no mcpist_kv_stored_writes.", "books")
    told = run.target.total(edge, "mcpist_refused_total", reason="kv_error")
    answered = 0 if np.isnan(told) else round(told)
    seen = int((run.out & outcomes.failed_by(run, ("kv_error",))).sum())
    silent = int((run.out & (run.samples["status"] == 0)).sum())
    good = stored[-1] == counted[-1] and seen <= answered <= seen + silent
    return Finding(
        int(counted[-1] - stored[-1]),
        "writes counted − stored",
        f"Counters: {counted[-1]:,.0f} writes served; the store's own version numbers: {stored[-1]:,.0f}. "
        f"The edge answered {answered:,} calls with kv_error, the clients saw {seen:,}.",
        part="books",
        status="pass" if good else "fail",
    )
