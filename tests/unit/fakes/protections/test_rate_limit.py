from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.protections.rate_limit import RateLimit
from tests.support.manual_clock import ManualClock

TIERS = {"free": 3, "unlimited": -1}


def limiter(clock: ManualClock, window: float = 60.0) -> RateLimit:
    return RateLimit(window, TIERS, clock)


def sync(one: RateLimit, other: RateLimit) -> None:
    index, told = one.dirty()
    one.learn(index, told, other.own)


def test_headers_count_down_and_the_next_is_refused() -> None:
    clock = ManualClock(610.5)
    limit = limiter(clock)
    assert [limit.take("u", "free").remaining for _ in range(3)] == [2, 1, 0]
    refused = limit.take("u", "free")
    assert (refused.allowed, refused.limit, refused.remaining) == (False, 3, 0)
    assert (refused.reset, refused.retry_after) == (660, 50)


def test_a_refused_request_does_not_count() -> None:
    limit = limiter(ManualClock(600.0))
    for _ in range(10):
        limit.take("u", "free")
    assert limit.own == {"u": 3}


def test_windows_turn_at_multiples_of_their_length() -> None:
    clock = ManualClock(659.999)
    limit = limiter(clock)
    assert sum(limit.take("u", "free").allowed for _ in range(5)) == 3
    clock.now = 660.0
    assert sum(limit.take("u", "free").allowed for _ in range(5)) == 3


@pytest.mark.parametrize("tier", ["unlimited", "", "nobody-knows"])
def test_unlimited_is_minus_one_and_not_counted(tier: str) -> None:
    limit = limiter(ManualClock(600.0))
    answers = [limit.take("u", tier) for _ in range(100)]
    assert {(one.allowed, one.limit, one.remaining, one.reset) for one in answers} == {(True, -1, -1, 660)}
    assert limit.own == {}


def test_users_do_not_share() -> None:
    limit = limiter(ManualClock(600.0))
    assert all(limit.take(f"u{number}", "free").allowed for number in range(50))


def test_retry_after_is_at_least_a_second() -> None:
    clock = ManualClock(659.9)
    limit = limiter(clock)
    for _ in range(4):
        answer = limit.take("u", "free")
    assert (answer.allowed, answer.retry_after) == (False, 1)


def test_two_origins_that_sync_share_a_limit() -> None:
    clock = ManualClock(600.0)
    a, b = limiter(clock), limiter(clock)
    a.take("u", "free")
    b.take("u", "free")
    sync(a, b)
    sync(b, a)
    assert [a.take("u", "free").allowed, b.take("u", "free").allowed] == [True, True]
    sync(a, b)
    assert not a.take("u", "free").allowed


def test_a_sync_tells_only_what_changed() -> None:
    limit = limiter(ManualClock(600.0))
    limit.take("u", "free")
    limit.take("v", "free")
    index, told = limit.dirty()
    assert told == {"u": 1, "v": 1}
    limit.take("v", "free")
    limit.learn(index, told, {})
    assert limit.dirty() == (index, {"v": 2})


def test_what_a_late_sync_says_of_an_old_window_is_ignored() -> None:
    clock = ManualClock(600.0)
    limit = limiter(clock)
    limit.take("u", "free")
    index, told = limit.dirty()
    clock.now += 60
    limit.take("u", "free")
    limit.learn(index, told, {"u": 99})
    assert limit.take("u", "free").allowed


def test_another_window_length_begins_a_new_window() -> None:
    limit = limiter(ManualClock(600.0))
    for _ in range(3):
        limit.take("u", "free")
    limit.configure(1.0, TIERS)
    assert limit.take("u", "free").reset == 601
    assert limit.unlimited().reset == 601


@given(
    st.lists(st.floats(0, 3.0), max_size=200),
    st.sampled_from([0.5, 1.0, 60.0]),
    st.floats(0, 1e9),
)
def test_exactly_the_limit_is_admitted_in_every_window(
    gaps: list[float], window: float, start: float
) -> None:
    clock = ManualClock(start)
    limit = limiter(clock, window)
    asked: dict[int, int] = {}
    admitted: dict[int, int] = {}
    for gap in gaps:
        clock.now += gap
        index = math.floor(clock.now // window)
        asked[index] = asked.get(index, 0) + 1
        admitted[index] = admitted.get(index, 0) + limit.take("u", "free").allowed
    assert admitted == {index: min(3, count) for index, count in asked.items()}
