"""Targets with a limiter: right in its own way, or wrong."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from email.utils import formatdate

from tests.support.truth.replies import health, ok, refused
from tests.support.truth.server import Reply, Request, Target, behaviour

LIMIT = 5  # a second


def fixed(target: Target, request: Request, now: float, limit: int = LIMIT) -> bool:
    """Whether a fixed window of one second lets this one pass."""
    counts: dict[tuple[str, int], int] = target.kept.setdefault("windows", defaultdict(int))
    counts[request.user, int(now)] += 1
    return counts[request.user, int(now)] <= limit


def no(request: Request, retry_after: str = "1") -> Reply:
    return refused(request, 429, "burst_exceeded", ("Retry-After", retry_after))


@behaviour("limiter")
def limiter(target: Target, request: Request) -> Reply:
    return ok(request) if fixed(target, request, time.time()) else no(request)


@behaviour("limiter-dates")
def limiter_dates(target: Target, request: Request) -> Reply:
    """`Retry-After` as a date, beside the answer's own `Date`."""
    now = time.time()
    if fixed(target, request, now):
        return ok(request)
    dates = (("Date", formatdate(now, usegmt=True)), ("Retry-After", formatdate(int(now) + 1, usegmt=True)))
    return refused(request, 429, "burst_exceeded", *dates)


@behaviour("limiter-clock")
def limiter_clock(target: Target, request: Request) -> Reply:
    """Its clock is 0.4 s ahead of ours."""
    return ok(request) if fixed(target, request, time.time() + 0.4) else no(request)


@behaviour("limiter-strict")
def limiter_strict(target: Target, request: Request) -> Reply:
    """3 a second where 5 are promised."""
    return ok(request) if fixed(target, request, time.time(), 3) else no(request)


@behaviour("limiter-silent")
def limiter_silent(target: Target, request: Request) -> Reply:
    """No word on when to come back."""
    return ok(request) if fixed(target, request, time.time()) else refused(request, 429, "burst_exceeded")


@behaviour("limiter-sliding")
def limiter_sliding(target: Target, request: Request) -> Reply:
    """5 in any second."""
    calls: dict[str, deque[float]] = target.kept.setdefault("calls", defaultdict(deque))
    mine, now = calls[request.user], time.monotonic()
    while mine and mine[0] <= now - 1:
        mine.popleft()
    if len(mine) >= LIMIT:
        return no(request)
    mine.append(now)
    return ok(request)


@behaviour("limiter-bucket")
def limiter_bucket(target: Target, request: Request) -> Reply:
    """A bucket of 5, filled with 5 a second."""
    buckets: dict[str, tuple[float, float]] = target.kept.setdefault("buckets", {})
    now = time.monotonic()
    level, then = buckets.get(request.user, (float(LIMIT), now))
    level = min(LIMIT, level + (now - then) * LIMIT)
    buckets[request.user] = (level - 1 if level >= 1 else level, now)
    return ok(request) if level >= 1 else no(request)


@behaviour("refuses-everything")
def refuses_everything(target: Target, request: Request) -> Reply:
    return health(request) or no(request)


@behaviour("quota")
def quota(target: Target, request: Request) -> Reply:
    """The day's quota is 60 calls of all."""
    return ok(request) if request.number < 60 else refused(request, 403, "quota_exceeded")
