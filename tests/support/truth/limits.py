"""Targets with a limiter: right in its own way, or wrong."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from email.utils import formatdate

from tests.support.truth.replies import health, ok, refused
from tests.support.truth.server import Answer, Reply, Request, Target, behaviour

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
    return sliding(target, request, LIMIT)


@behaviour("limiter-sliding-4")
def limiter_sliding_4(target: Target, request: Request) -> Reply:
    return sliding(target, request, 4)


def sliding(target: Target, request: Request, limit: int) -> Reply:
    calls: dict[str, deque[float]] = target.kept.setdefault("calls", defaultdict(deque))
    mine, now = calls[request.user], time.monotonic()
    while mine and mine[0] <= now - 1:
        mine.popleft()
    if len(mine) >= limit:
        return no(request)
    mine.append(now)
    return ok(request)


@behaviour("limiter-by-token")
def limiter_by_token(target: Target, request: Request) -> Reply:
    """Its users are those of the tokens, whatever address they show."""
    counts: dict[tuple[str, int], int] = target.kept.setdefault("windows", defaultdict(int))
    key = (request.headers.get("authorization", ""), int(time.time()))
    counts[key] += 1
    return ok(request) if counts[key] <= LIMIT else no(request)


@behaviour("limiter-in-its-words")
def limiter_in_its_words(target: Target, request: Request) -> Reply:
    """A 503 and a text, as some proxies write it."""
    if fixed(target, request, time.time()):
        return ok(request)
    return Answer(b"<h1>Slow down, please</h1>", 503, "text/html", (("Retry-After", "1"),))


@behaviour("limiter-bucket-small")
def limiter_bucket_small(target: Target, request: Request) -> Reply:
    """It is filled with 2 a second."""
    return bucket(target, request, 2)


@behaviour("limiter-bucket")
def limiter_bucket(target: Target, request: Request) -> Reply:
    """A bucket of 5, filled with 5 a second."""
    return bucket(target, request, LIMIT)


def bucket(target: Target, request: Request, rate: float) -> Reply:
    buckets: dict[str, tuple[float, float]] = target.kept.setdefault("buckets", {})
    now = time.monotonic()
    level, then = buckets.get(request.user, (float(LIMIT), now))
    level = min(LIMIT, level + (now - then) * rate)
    buckets[request.user] = (level - 1 if level >= 1 else level, now)
    return ok(request) if level >= 1 else no(request)


@behaviour("refuses-everything")
def refuses_everything(target: Target, request: Request) -> Reply:
    return health(request) or no(request)


@behaviour("quota-a-day")
def quota_a_day(target: Target, request: Request) -> Reply:
    """50 calls a user and day, in words of its own."""
    return used_up(target, request, 50)


@behaviour("quota-used-before")
def quota_used_before(target: Target, request: Request) -> Reply:
    """Of which 40 were used before."""
    return used_up(target, request, 10)


def used_up(target: Target, request: Request, left: int) -> Reply:
    counts: dict[str, int] = target.kept.setdefault("counts", defaultdict(int))
    counts[request.user] += 1
    if counts[request.user] <= left:
        return ok(request)
    return Answer(b'{"error": "your daily limit is used up"}', 403)


@behaviour("quota")
def quota(target: Target, request: Request) -> Reply:
    """The day's quota is 60 calls of all."""
    return ok(request) if request.number < 60 else refused(request, 403, "quota_exceeded")
