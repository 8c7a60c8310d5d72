"""F1.2: the plan's rate limit per user and minute, its headers, its window's edge; address limit and quota.

Judged by the target's own promises (`limits.rate_per_min`, `limits.ip_per_min`, `limits.quota_per_day`): a
window in which enough came admits exactly the limit, no window admits more, and every header is right. That a
fixed window lets a user have twice its limit around its edge is known, and reported: `info`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import numpy as np

from verdicts.measure.limits import limiter, promises, quota_day, rate_headers, users, windows
from verdicts.measure.limits.held import Held
from verdicts.measure.limits.limiter import Limiter
from verdicts.measure.limits.promises import Promise
from verdicts.measure.limits.quota_day import QuotaDay
from verdicts.measure.limits.rate_headers import HEADERS, Share, Wrong
from verdicts.points.point import BEFORE_MVP, Finding, Value, point
from verdicts.run.reading import Run

MOST_ROWS: Final = 200
EDGE: Final = 0.01  # seconds: a run that begins so close to a window's start holds the whole window


class Limited(NamedTuple):
    """A user with a limit, and its windows."""

    user: int
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
        "admitted a user and day, {} allowed (most)": "件通過(1ユーザー・1日の最大、上限{}件)",
    },
)
def rate_limit(run: Run) -> Iterator[Finding]:
    """Admitted per window, headers, the edge's double; then the limit per address where one reached it."""
    one = limiter.of(run, limiter.RATE, users.of(run))
    held = _held(run, one)
    limited = list(_limited(run, one, held.ahead))
    if limited:
        yield _admitted(run, one, limited) if run.manifest.bundled else _of_a_target(run, one, held, limited)
        yield _headers(run, one, limited, held.ahead)
        yield from _edge(run, limited)
    else:
        yield Finding.unseen("No account of this run has a rate limit that the target promises.")
    yield from _addresses(run)
    yield from _quota(run)


def _held(run: Run, one: Limiter) -> Held:
    """A target's limiter; the bundled stack's plans have limits of their own, and its clock is ours."""
    promise = None if run.manifest.bundled else promises.rate(run, promises.STARTER)
    return Held(0, 0) if promise is None else limiter.judge(run, one, promise)


def _limited(run: Run, one: Limiter, ahead: float) -> Iterator[Limited]:
    for user in np.unique(one.who[run.out]).tolist():
        promise = promises.rate(run, run.manifest.accounts[user].tier)
        if promise is not None:
            yield Limited(user, promise, list(rate_headers.shares(run, one, user, promise, ahead)))


def _of_a_target(run: Run, one: Limiter, held: Held, limited: list[Limited]) -> Finding:
    """By windows of which a client is certain: a target may tell of none in its headers."""
    promise = limited[0].promise
    found = [window for _, each in limiter.counted(run, one, promise, held.ahead) for window in each]
    busy = windows.judged(found, promise)[0]
    refused = int(one.refused.sum())
    proved = limiter.proved(run, one, promise, found)
    return Finding(
        float(np.mean([window.admitted for window in busy])) if busy else None,
        f"admitted a window of {promise.width:g} s, {promise.limit} allowed",
        f"{len(busy)} account-windows in which the limit was reached: {limiter.words(promise, held)}; "
        f"refused {refused:,} with {limiter.refusals(run, one)}."
        f"{limiter.beside(run, held, proved=proved or not (busy or refused))}",
        status=limiter.status(held, 0, proved=proved),
    )


def _admitted(run: Run, one: Limiter, limited: list[Limited]) -> Finding:
    pairs = [(share, each.promise) for each in limited for share in each.shares]
    busy = [share for share, promise in pairs if len(share.calls) >= promise.limit]
    sure = any(2 * share.lost < promise.limit <= len(share.calls) for share, promise in pairs)
    over = sum(share.admitted > promise.limit for share, promise in pairs)
    under = sum(
        share.admitted + share.lost < min(promise.limit, len(share.calls)) for share, promise in pairs
    )
    refused = sum(int(share.refused.sum()) for share, _ in pairs)
    value = float(np.mean([share.admitted for share in busy])) if busy else None
    promise = limited[0].promise
    lost = int((one.perhaps & np.isin(one.who, [each.user for each in limited])).sum())
    return Finding(
        value,
        f"admitted a window of {promise.width:g} s, {promise.limit} allowed",
        f"{len(busy)} account-windows in which the limit was reached: {over} admitted more, {under} less; "
        f"refused {refused:,} with 429 {limiter.RATE}."
        + (lost > 0)
        * f" {lost:,} calls without an answer of an origin may have been admitted.",
        status="fail" if over + under else "pass" if sure else "invalid",
        rows=tuple(_row(run, share, promise) for share, promise in pairs[:MOST_ROWS]),
    )


def _row(run: Run, share: Share, promise: Promise) -> dict[str, Value]:
    start = share.window * promise.width - float(run.manifest.start_wall)
    whole = start >= -EDGE and start + promise.width <= run.load_end
    return {
        "group": run.manifest.accounts[share.user].group,
        "window from s": round(start, 2) + 0.0,
        "whole": "yes" if whole else "no",
        "came": len(share.calls),
        "admitted": share.admitted,
        "refused": int(share.refused.sum()),
        "allowed": promise.limit,
    }


def _headers(run: Run, one: Limiter, limited: list[Limited], ahead: float) -> Finding:
    """Each header; of a target, whose file cannot promise them, those alone that any answer had."""
    wrong = sum((rate_headers.check(run, one, each.user, each.promise, ahead) for each in limited), Wrong())
    asked = HEADERS if limited[0].promise.fixed else HEADERS[:1]
    silent = () if run.manifest.bundled else tuple(name for name in asked if name not in wrong.told)
    wrong = wrong.without(silent)
    seen = wrong.answers and silent != asked
    status: Any = "fail" if wrong.total else "pass" if seen else "info" if wrong.answers else "invalid"
    named = ", ".join(f"-{name.title()}" for name in silent)
    unseen = f" No answer had X-RateLimit{named}: not promised, and not judged." if silent else ""
    return Finding(
        wrong.total,
        f"wrong headers on {wrong.answers:,} answers",
        f"X-RateLimit-Limit wrong or absent on {wrong.limit}, -Remaining on {wrong.remaining}, -Reset on "
        f"{wrong.reset}, Retry-After (right on refusals, absent otherwise) on {wrong.retry_after}.{unseen}",
        part="headers",
        status=status,
    )


def _edge(run: Run, limited: list[Limited]) -> Iterator[Finding]:
    if not limited[0].promise.fixed:
        return
    best = max((_densest(run, one) for one in limited), key=lambda found: found[0] / found[3].limit)
    most, span, at, promise = best
    if not most:
        yield Finding.unseen("No call was admitted.", "edge")
        return
    yield Finding(
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
    one = limiter.of(run, limiter.ADDRESS, users.addresses(run))
    if not any(int((run.out & (one.who == at)).sum()) > promise.limit for at in np.unique(one.who)):
        return
    held = limiter.judge(run, one, promise)
    counted = limiter.counted(run, one, promise, held.ahead, more_than=promise.limit)
    found = [window for _, each in counted for window in each]
    busy = windows.judged(found, promise)[0]
    if not any(window.offered > promise.limit for window in busy):
        return
    wrong = windows.wrong_waits(run, one.refused, promise, held.ahead)
    proved = limiter.proved(run, one, promise, found)
    yield Finding(
        max(window.admitted_least for window in busy),
        f"admitted an address and window of {promise.width:g} s, {promise.limit:,} allowed (most)",
        f"{len(busy)} address-windows in which the limit was reached: {limiter.words(promise, held)}; "
        f"refused {int(one.refused.sum()):,} with {limiter.refusals(run, one)}, "
        f"Retry-After wrong or absent on {wrong}.{limiter.beside(run, held, proved=proved)}",
        part="address",
        status=limiter.status(held, wrong, proved=proved),
    )


def _quota(run: Run) -> Iterator[Finding]:
    promise = promises.quota(run)
    if promise is not None:
        one = limiter.of(run, limiter.QUOTA, users.of(run))
        yield _used_up(run, one, promise, quota_day.judge(run, one, promise))


def _used_up(run: Run, one: Limiter, promise: Promise, found: QuotaDay) -> Finding:
    return Finding(
        found.most,
        f"admitted a user and day, {promise.limit:,} allowed (most)",
        f"{found.over} users had more than the day allows, {found.again} were admitted again after it was "
        f"used up; refused {int(one.refused.sum()):,} with {limiter.refusals(run, one)}. Before the first "
        f"refusal {found.whole} users had all of it{found.before}.{limiter.beside(run, Held(0, 0))}",
        part="quota",
        status="fail" if found.over or found.again else "pass" if found.whole else "info",
    )
