"""F1.1: the burst limit, per user and second; what it costs in KV, keys and CPU.

Judged by the target's own promise (`limits.burst_per_s`): in no second of the limiter's clock more is
admitted, in no second less although enough came, and every refusal says rightly when to come back. A promise
of any second at all, or of a token bucket, is counted as such (`verdicts.measure.limits.limiter`).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from verdicts.measure.calls import edge_refusals, outcomes
from verdicts.measure.limits import limiter, promises, users, windows
from verdicts.measure.limits.promises import Promise
from verdicts.measure.limits.windows import Window
from verdicts.points.point import BEFORE_MVP, Finding, Value, point
from verdicts.run.reading import Run


@point(
    "F1.1",
    en="How many requests per second are admitted past the burst limit, and how are the rest refused?",
    ja="バースト制限を超えたとき毎秒何件が通り、残りはどう拒否されるか",
    scenario="single-burst",
    when=BEFORE_MVP,
    part="edge",
    units={
        "req/s admitted of {} allowed": "req/s 通過(上限{})",
        "key fetches per 1,000 calls": "回の鍵取得(1,000件あたり)",
        "% of calls with a CPU bound": "%(CPU上限を適用した呼び出し)",
    },
)
def burst_limit(run: Run) -> Iterator[Finding]:
    """Admitted per second, refused, `Retry-After`; then what the edge says of its key cache and CPU."""
    promise = promises.burst(run)
    if promise is None:
        yield Finding.unseen("The target promises no burst limit (limits.burst_per_s).")
        return
    yield _admitted(run, promise)
    if run.manifest.bundled:
        yield _keys(run)
        yield _cpu(run)


def _admitted(run: Run, promise: Promise) -> Finding:
    one = limiter.of(run, limiter.BURST, users.of(run))
    held = limiter.judge(run, one, promise)
    counted = list(limiter.counted(run, one, promise, held.ahead))
    found = [window for _, each in counted for window in each]
    busy, refused = windows.judged(found, promise)[0], one.refused
    wrong = windows.wrong_waits(run, refused, promise, held.ahead)
    ended = outcomes.of(run, run.out)
    proved = limiter.proved(run, one, promise, found)
    mean = float(np.mean([one.admitted for one in busy])) if busy else float("nan")
    if mean == 0 and not refused.any():
        return Finding.unseen(f"Not observed: no call got as far as the limit{_others(ended, one.reasons)}.")
    return Finding(
        round(mean, 3) if busy else None,
        f"req/s admitted of {promise.limit:g} allowed",
        f"{len(busy):,} account-seconds in which {promise.limit} or more came: "
        f"{limiter.words(promise, held)}. Refused {int(refused.sum()):,} with "
        f"{limiter.refusals(run, one)}, Retry-After wrong or absent "
        f"on {wrong}{_others(ended, one.reasons)}."
        f"{limiter.beside(run, held, proved=proved or not busy)}{_kv(run)}",
        status=limiter.status(held, wrong, proved=proved),
        rows=tuple(_row(run, name, each, promise, one) for name, each in _by_group(run, counted)),
    )


def _by_group(run: Run, counted: list[tuple[int, list[Window]]]) -> Iterator[tuple[str, list[Window]]]:
    for name in run.manifest.groups:
        inside = [each for at, each in counted if run.manifest.accounts[at].group == name]
        yield name, [window for each in inside for window in each]


def _row(
    run: Run, name: str, found: list[Window], promise: Promise, one: limiter.Limiter
) -> dict[str, Value]:
    code = run.manifest.groups.index(name)
    calls = run.out & (run.samples["group"] == code)
    through, refused = one.let & calls, one.refused & calls
    sent, busy = int(calls.sum()), [each for each in found if each.offered >= promise.limit]
    return {
        "group": name,
        "account-seconds": len(found),
        "sent": sent,
        "admitted": int(through.sum()),
        "refused": int(refused.sum()),
        "errors": sent - int(through.sum()) - int(refused.sum()),
        "% refused": round(100 * float(refused.sum()) / sent, 2) if sent else None,
        f"fewest admitted where {promise.limit} came": min(
            (each.admitted_most for each in busy), default=None
        ),
        "most admitted": max((each.admitted_least for each in found), default=None),
        **(_by_the_clock(found, promise) if promise.fixed else {}),
    }


def _by_the_clock(found: list[Window], promise: Promise) -> dict[str, Value]:
    return {
        "seconds over": sum(one.over(promise.limit) for one in found),
        "seconds under": sum(one.under(promise.limit) for one in found),
    }


def _others(ended: outcomes.Outcomes, reasons: tuple[str, ...]) -> str:
    others = {**ended.errors, **{k: v for k, v in ended.refusals.items() if k not in reasons}}
    return f"; also {', '.join(f'{reason} {count:,}' for reason, count in others.items())}" if others else ""


def _kv(run: Run) -> str:
    reads, writes, failures = (
        run.target.total("edge", f"mcpist_kv_{what}_total") for what in ("reads", "writes", "failures")
    )
    if np.isnan(writes) or not run.manifest.bundled:
        return ""
    tier = run.scenario.get("kv", "ideal")
    failed = 0.0 if np.isnan(failures) else failures
    return f" KV ({tier}): {reads:,.0f} reads, {writes:,.0f} writes, {failed:,.0f} refused."


def _keys(run: Run) -> Finding:
    fetches = run.target.total("edge", "mcpist_jwks_fetches_total")
    edge = run.manifest.settings("edge")
    ttl, isolates = edge.get("jwks_ttl", 300.0), edge.get("isolates", 1)
    calls = int(edge_refusals.answered(run).sum())
    if not calls or np.isnan(fetches):
        return Finding.unseen("Not observed: the edge showed no count of key fetches.", "keys")
    allowed = isolates * (2 + int(run.load_end / ttl))
    return Finding(
        round(1000 * fetches / calls, 2),
        "key fetches per 1,000 calls",
        f"{fetches:,.0f} fetches of the issuer's keys for {calls:,} calls; {isolates} isolate(s) that keep "
        f"them {ttl:g} s need at most {allowed}.",
        part="keys",
        status="pass" if fetches <= allowed else "fail",
    )


def _cpu(run: Run) -> Finding:
    bounded = run.target.total("edge", "mcpist_worker_cpu_seconds_count")
    calls = int(edge_refusals.answered(run).sum())
    if not calls or np.isnan(bounded):
        return Finding.unseen("Not observed: the edge showed no CPU figures.", "cpu")
    return Finding(
        round(100 * bounded / calls, 2),
        "% of calls with a CPU bound",
        f"The edge held {bounded:,.0f} of {calls:,} calls to its CPU budget "
        f"(worker-cpu); without it one call may use as much as it likes.",
        part="cpu",
        status="pass" if bounded >= calls else "fail",
    )
