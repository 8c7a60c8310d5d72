"""F1.2: the plan's rate limit per account and minute, its headers, its window's edge; the address limit.

Judged by the target's own promises (`limits.rate_per_min`, `limits.ip_per_min`): a window in which enough
came admits exactly the limit, no window admits more, and every header is right. That a fixed window
lets a user have twice its limit around its edge is known, and reported: `info`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import numpy as np

from verdicts.measure.calls import edge_refusals, outcomes
from verdicts.measure.limits import promises, rate_headers, windows
from verdicts.measure.limits.promises import Promise
from verdicts.measure.limits.rate_headers import REASON, Share, Wrong
from verdicts.measure.limits.windows import Window
from verdicts.points.point import BEFORE_MVP, Finding, Value, point
from verdicts.run.reading import Run

ADDRESS_REASON: Final = "ip_limit_exceeded"
MOST_ROWS: Final = 200
EDGE: Final = 0.01  # seconds: a run that begins so close to a window's start holds the whole window


class Limited(NamedTuple):
    """An account with a limit, and its windows."""

    account: int
    promise: Promise
    shares: list[Share]


@point(
    "F1.2",
    en="How many requests per window are admitted past the rate limit, and are the headers right?",
    ja="レート制限を超えたとき1ウィンドウに何件が通り、ヘッダーは正しいか",
    scenario="rate-limit",
    when=BEFORE_MVP,
    units={
        "admitted a window of {} s, {} allowed": "件通過({} sのウィンドウ、上限{}件)",
        "wrong headers on {} answers": "件の誤ったヘッダー(応答{}件中)",
        "admitted within some {} s, {} allowed a window": "件通過(任意の{} s間、上限{}件)",
        "admitted an address and window of {} s, {} allowed (most)": "件通過(1 IP・{} sの最大、上限{}件)",
    },
)
def rate_limit(run: Run) -> Iterator[Finding]:
    """Admitted per window, headers, the edge's double; then the limit per address where one reached it."""
    limited = list(_limited(run))
    if limited:
        yield _admitted(run, limited)
        yield _headers(run, limited)
        yield _edge(run, limited)
    else:
        yield Finding.unseen("No account of this run has a rate limit that the target promises.")
    yield from _addresses(run)


def _limited(run: Run) -> Iterator[Limited]:
    for account in np.unique(run.samples["account"][run.out]):
        promise = promises.rate(run, run.manifest.accounts[int(account)].tier)
        if promise is not None:
            yield Limited(int(account), promise, list(rate_headers.shares(run, int(account), promise)))


def _admitted(run: Run, limited: list[Limited]) -> Finding:
    pairs = [(share, one.promise) for one in limited for share in one.shares]
    busy = [share for share, promise in pairs if len(share.calls) >= promise.limit]
    over = sum(share.admitted > promise.limit for share, promise in pairs)
    under = sum(share.admitted < min(promise.limit, len(share.calls)) for share, promise in pairs)
    refused = sum(int(share.refused.sum()) for share, _ in pairs)
    value = float(np.mean([share.admitted for share in busy])) if busy else None
    promise = limited[0].promise
    return Finding(
        value,
        f"admitted a window of {promise.width:g} s, {promise.limit} allowed",
        f"{len(busy)} account-windows in which the limit was reached: {over} admitted more, {under} less; "
        f"refused {refused:,} with 429 {REASON}.",
        status="fail" if over + under else "pass" if busy else "invalid",
        rows=tuple(_row(run, share, promise) for share, promise in pairs[:MOST_ROWS]),
    )


def _row(run: Run, share: Share, promise: Promise) -> dict[str, Value]:
    start = share.window * promise.width - float(run.manifest.start_wall)
    whole = start >= -EDGE and start + promise.width <= run.load_end
    return {
        "group": run.manifest.accounts[share.account].group,
        "window from s": round(start, 2) + 0.0,
        "whole": "yes" if whole else "no",
        "came": len(share.calls),
        "admitted": share.admitted,
        "refused": int(share.refused.sum()),
        "allowed": promise.limit,
    }


def _headers(run: Run, limited: list[Limited]) -> Finding:
    wrong = sum((rate_headers.check(run, one.account, one.promise) for one in limited), Wrong())
    status: Any = "fail" if wrong.total else "pass" if wrong.answers else "invalid"
    return Finding(
        wrong.total,
        f"wrong headers on {wrong.answers:,} answers",
        f"X-RateLimit-Limit wrong or absent on {wrong.limit}, -Remaining on {wrong.remaining}, -Reset on "
        f"{wrong.reset}, Retry-After (right on refusals, absent otherwise) on {wrong.retry_after}.",
        part="headers",
        status=status,
    )


def _edge(run: Run, limited: list[Limited]) -> Finding:
    best = max((_densest(run, one) for one in limited), key=lambda found: found[0] / found[3].limit)
    most, span, at, promise = best
    if not most:
        return Finding.unseen("No call was admitted.", "edge")
    return Finding(
        most,
        f"admitted within some {promise.width:g} s, {promise.limit} allowed a window",
        f"{most / promise.limit:.2f} times the limit, all of it within {span:.2f} s from {at:.2f} s on: "
        f"windows are fixed, so a user may have one limit just before the edge and one just after it.",
        part="edge",
        status="info",
    )


def _densest(run: Run, one: Limited) -> tuple[int, float, float, Promise]:
    """(most admitted within a window's length at any time, the seconds they took, from when on)."""
    parts = [share.calls["sent"][~share.refused] for share in one.shares]
    times = np.sort(np.concatenate(parts)) if parts else np.empty(0)
    if not times.size:
        return 0, 0.0, 0.0, one.promise
    ends = np.searchsorted(times, times + one.promise.width, side="left")
    counts = ends - np.arange(len(times))
    most = int(counts.max())
    took = times[ends - 1] - times
    first = min(np.flatnonzero(counts == most), key=lambda index: took[index])
    return most, float(took[first]), float(times[first]), one.promise


def _addresses(run: Run) -> Iterator[Finding]:
    promise = promises.address(run)
    if promise is None:
        return
    found = [window for each in _by_address(run, promise) for window in each]
    busy, over, under = windows.judged(found, promise)
    if not any(one.offered > promise.limit for one in busy):
        return
    refused = run.out & outcomes.failed_by(run, (ADDRESS_REASON,))
    wrong = windows.wrong_waits(run, refused, promise.width)
    most = max(one.admitted_least for one in busy)
    yield Finding(
        most,
        f"admitted an address and window of {promise.width:g} s, {promise.limit:,} allowed (most)",
        f"{len(busy)} address-windows in which the limit was reached: {over} admitted more, {under} less; "
        f"refused {int(refused.sum()):,} with 429 {ADDRESS_REASON}, Retry-After wrong or absent on {wrong}.",
        part="address",
        status="fail" if over + under + wrong else "pass",
    )


def _by_address(run: Run, promise: Promise) -> Iterator[list[Window]]:
    through = edge_refusals.answered(run) & ~outcomes.failed_by(run, (ADDRESS_REASON,))
    addresses = np.array([account.ip for account in run.manifest.accounts])
    shown = addresses[run.samples["account"]]
    for one in np.unique(shown[run.out]):
        mine = run.out & (shown == one)
        if int(mine.sum()) > promise.limit:
            yield list(windows.count(run, mine, through, promise.width))
