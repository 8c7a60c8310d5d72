"""C2: the burst limit as its code stands: whom it fails, what it lets through, what it keeps and writes.

By the callers: calls that the limit's own KV write failed; the most of one user that certainly passed within
one second (`verdicts.measure.limits.sliding`); how much longer a user's first call of a second takes than his
others. By the edge: counts that its isolates keep, KV writes. An entry of a JavaScript map under a user's id
and a second takes `BYTES` (measured in V8).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from verdicts.measure.calls import edge_refusals, outcomes
from verdicts.measure.limits import limiter, promises, sliding, users
from verdicts.points.point import BEFORE_MVP, Finding, point
from verdicts.run.reading import Mask, Run

ENTRIES: Final = "mcpist_burst_entries"
BYTES: Final = 198
A_DAY: Final = 86_400


@point(
    "C2",
    en="Does the plan's checkBurst hold under load, as its code stands?",
    ja="計画にあるcheckBurstのコードは、そのままで負荷に耐えるか",
    scenario="check-burst",
    when=BEFORE_MVP,
    part="edge",
    figures={
        **{"failed": "share", "most": "", "over": "", "kept": "", "each": "", "writes": "", "reads": ""},
        **{"wait": "s", "day_bytes": "bytes"},
    },
    units={
        "% of calls failed by the limit's own write": "%(制限自身のKV書き込みで失敗した呼び出し)",
        "of one user within a second, {} allowed": "件(1ユーザー、任意の1秒間、上限{})",
        "counts kept for {} users": "件のカウントが残る(ユーザー{}人)",
        "KV writes that nobody reads": "回の読まれないKV書き込み",
        "ms longer for the first call of a second": "ms(各秒の最初の呼び出しの遅れ)",
    },
)
def check_burst(run: Run) -> Iterator[Finding]:
    """Each flaw by its own number."""
    yield _failed(run)
    yield _sliding(run)
    yield _kept(run)
    yield _writes(run)
    yield _wait(run)


def _failed(run: Run) -> Finding:
    if not run.manifest.bundled:
        return Finding.unseen("Not observed: a target does not tell which calls its limit failed.")
    calls, failed = run.out & run.judged, outcomes.failed_by(run, ("kv_error",))
    count, total = int((calls & failed).sum()), int(calls.sum())
    share = count / total if total else float("nan")
    return Finding(
        round(share * 100, 2) if total else None,
        "% of calls failed by the limit's own write",
        f"{count:,} of {total:,} calls of the judged users, who stay below the limit."
        + (count > 0)
        * " The count is set before the write throws: a second's first call fails, others pass.",
        {"failed": share},
    )


def _sliding(run: Run) -> Finding:
    promise = promises.burst(run)
    if promise is None:
        return Finding.unseen("The target promises no burst limit (limits.burst_per_s).", "second")
    one = limiter.of(run, limiter.BURST, users.of(run))
    mine = (one.let & (run.samples["account"] == user) for user in _users(run))
    most = max((sliding.most(run, calls, promise.width) for calls in mine), default=0)
    met = most >= promise.limit or one.refused.any()
    return Finding(
        most,
        f"of one user within a second, {promise.limit} allowed",
        f"Admitted for certain within one second of any beginning; windows that begin with the wall clock's "
        f"second admit up to {2 * promise.limit} around its edge." + (not met) * limiter.UNMET,
        {"most": float(most), "over": float(max(0, most - promise.limit)) if met else float("nan")},
        "second",
    )


def _kept(run: Run) -> Finding:
    _, told = run.target.series("edge", ENTRIES)
    users = len(_users(run))
    if not told.size or not users:
        return Finding.unseen(f"Not observed: the target shows no metrics that tell it ({ENTRIES}).", "kept")
    kept, each = float(told[-1]), float(told[-1]) / users
    return Finding(
        int(kept),
        f"counts kept for {users} users",
        f"At the last scrape, {each:.1f} a user; one a user is enough. A map from which nothing is removed "
        f"has {A_DAY:,} more a day for each user who calls without a break: {A_DAY * BYTES / 1e6:.1f} MB.",
        {"kept": kept, "each": each, "day_bytes": float(A_DAY * BYTES)},
        "kept",
    )


def _writes(run: Run) -> Finding:
    """`ip-limit` reads and writes KV at each request, and the counters do not tell whose a write is."""
    if "ip-limit" in run.manifest.protections:
        return Finding.unseen("Not observed: the KV's counters count ip-limit's writes, too.", "writes")
    served, reads = (run.target.total("edge", f"mcpist_kv_{op}_total") for op in ("writes", "reads"))
    refused = run.target.total("edge", "mcpist_kv_failures_total", op="put")
    if np.isnan(served):
        return Finding.unseen("Not observed: the target shows no KV counters.", "writes")
    tried, reads = served + np.nan_to_num(refused), float(np.nan_to_num(reads))
    return Finding(
        int(tried),
        "KV writes that nobody reads",
        f"{served:,.0f} served, {tried - served:,.0f} refused; {reads:,.0f} reads.",
        {"writes": float(tried), "reads": reads},
        "writes",
    )


def _wait(run: Run) -> Finding:
    """Over answered calls that the burst limit did not refuse."""
    calls = edge_refusals.answered(run) & ~outcomes.failed_by(run, ("burst_exceeded",))
    took = (run.samples["done"] - run.samples["sent"]).whole() - np.nan_to_num(
        run.samples["upstream_s"].whole()
    )
    first = _first(run, calls)
    if not first.any() or not (calls & ~first).any():
        return Finding.unseen("No user had a second call within a second.", "wait")
    wait = float(np.median(took[first]) - np.median(took[calls & ~first]))
    assumed = run.manifest.settings("edge").get("burst_write_wait", 0.0)
    return Finding(
        round(wait * 1000, 1),
        "ms longer for the first call of a second",
        f"Medians less the upstream's time of {int(first.sum()):,} first calls and "
        f"{int((calls & ~first).sum()):,} others. A write is assumed to take {assumed * 1000:g} ms here.",
        {"wait": wait},
        "wait",
        basis="modelled",
    )


def _first(run: Run, calls: Mask) -> Mask:
    """The first of each user's calls in each second of the wall clock."""
    at = np.flatnonzero(calls)
    second = np.floor(float(run.manifest.start_wall) + run.samples["sent"][at]).astype(np.int64)
    order = np.lexsort((run.samples["sent"][at], second, run.samples["account"][at]))
    keys = np.stack([run.samples["account"][at][order].astype(np.int64), second[order]])
    new = np.concatenate([[True], (np.diff(keys) != 0).any(axis=0)]) if at.size else np.empty(0, bool)
    mask = np.zeros(calls.size, bool)
    mask[at[order[new]]] = True
    return mask


def _users(run: Run) -> list[int]:
    return [int(one) for one in np.unique(run.samples["account"][run.out])]
