"""Fair shares: many users of ill will cannot keep the others out, one alone may have all that is spare."""

from __future__ import annotations

import heapq
from collections import Counter

import pytest

from fakes.http.reasons import RefusedError
from fakes.protections.fair_queue import FairPermit, FairQueue
from fakes.protections.gate import CallEnd, Gate
from fakes.protections.global_concurrency import GlobalConcurrency
from fakes.settings import StackSettings
from tests.support.manual_clock import ManualClock

USERS: tuple[tuple[str, int, float, str], ...] = (
    ("spam", 100, 5, "notion"),
    ("fast", 20, 0.5, "fast"),
    ("jira", 20, 0.2, "jira"),
)
LASTS = {"notion": 3.0, "fast": 0.02, "jira": 2.0}


def crowd(gate: Gate, clock: ManualClock, seconds: int = 60) -> dict[str, float]:
    """`slow-api`: 100 spammers at 5 req/s of 3 s, 20 users each of a fast tool and JIRA. Share admitted."""
    calls: list[tuple[float, str, str]] = []
    for kind, users, rate, upstream in USERS:
        for one in range(users):
            gap = 1 / rate
            first = gap * one / users
            calls += [(first + gap * n, f"{kind}-{one}", upstream) for n in range(int(seconds * rate))]
    asked: Counter[str] = Counter()
    admitted: Counter[str] = Counter()
    ends: list[tuple[float, int, FairPermit | None]] = []
    start = clock.now
    for number, (at, user, upstream) in enumerate(sorted(calls)):
        while ends and ends[0][0] <= start + at:
            clock.now, _, ticket = heapq.heappop(ends)
            gate.leave(ticket, CallEnd.OK)
        clock.now = start + at
        whose = user.partition("-")[0]
        asked[whose] += 1
        try:
            ticket = gate.enter(user, upstream)
        except RefusedError:
            continue
        admitted[whose] += 1
        heapq.heappush(ends, (clock.now + LASTS[upstream], number, ticket))
    return {kind: admitted[kind] / asked[kind] for kind in asked}


def test_innocents_are_served_beside_a_hundred_spammers() -> None:
    clock = ManualClock()
    got = crowd(FairQueue(StackSettings(), clock), clock)
    assert got["fast"] > 0.9  # all but the first seconds, in which nobody is known
    assert got["jira"] > 0.9
    assert 0.03 < got["spam"] < 0.1  # what 100 permits are for calls of 3 s, and no more


def test_one_limit_for_all_lets_few_of_them_through() -> None:
    clock = ManualClock()
    got = crowd(GlobalConcurrency(StackSettings(), clock), clock)
    assert got["fast"] < 0.1


def test_who_is_alone_may_have_all_that_is_spare() -> None:
    clock: ManualClock = ManualClock()
    gate = FairQueue(StackSettings(), clock)
    tickets = [gate.enter("alone", "notion") for _ in range(50)]
    clock.now += 3.0
    for ticket in tickets:
        gate.leave(ticket, CallEnd.OK)
    for _ in range(50):
        gate.enter("alone", "notion")
    assert gate.running == 50


def test_the_limit_is_never_exceeded_and_permits_come_back() -> None:
    gate = FairQueue(
        StackSettings.model_validate({"protections": {"fair-queue": {"spare": 1}}}), ManualClock()
    )
    tickets = [gate.enter(f"u{number}", "notion") for number in range(100)]
    with pytest.raises(RefusedError) as refused:
        gate.enter("one-more", "notion")
    assert refused.value.reason == "fair_share_exceeded"
    gate.forget()
    for ticket in tickets:
        gate.leave(ticket, CallEnd.ABANDONED)
    assert gate.running == 0


def test_who_has_not_asked_for_long_takes_no_memory_and_no_share() -> None:
    clock = ManualClock()
    gate = FairQueue(StackSettings(), clock)
    for number in range(1000):
        gate.leave(gate.enter(f"u{number}", "fast"), CallEnd.OK)
    assert gate.share == pytest.approx(0.1)
    clock.now += 11.0
    gate.enter("u", "fast")
    assert gate.share == 100
