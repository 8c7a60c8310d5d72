from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.edge_runtime.kv import DAY, MIN_TTL, SWEEP_EVERY, Kv, KvError
from fakes.settings import KvSettings
from tests.support.manual_clock import ManualClock

IDEAL = KvSettings()
FREE = KvSettings(plan="free", writes_per_day=3, reads_per_day=2)


def fails(op: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(KvError) as caught:
        op()
    return caught.value.op, caught.value.cause


def test_what_was_written_is_read_and_what_was_not_is_none() -> None:
    kv = Kv(ManualClock(1_000_000.0))
    kv.put(IDEAL, "k", 1)
    assert (kv.get(IDEAL, "k"), kv.get(IDEAL, "other")) == (1, None)


def test_writes_of_a_day_run_out_and_come_back_at_midnight_utc() -> None:
    clock = ManualClock(DAY * 100 - 1)
    kv = Kv(clock)
    for key in "abc":
        kv.put(FREE, key, 1)
    assert fails(lambda: kv.put(FREE, "d", 1)) == ("put", "quota")
    clock.now = DAY * 100
    kv.put(FREE, "d", 1)
    assert kv.used_today() == {"get": 0, "put": 1}


def test_reads_of_a_day_run_out() -> None:
    kv = Kv(ManualClock(1_000_000.0))
    kv.get(FREE, "a")
    kv.get(FREE, "a")
    assert fails(lambda: kv.get(FREE, "a")) == ("get", "quota")


@pytest.mark.parametrize("plan", ["free", "paid"])
def test_one_write_a_second_to_a_key(plan: str) -> None:
    clock = ManualClock(1_000_000.0)
    kv, settings = Kv(clock), KvSettings.model_validate({"plan": plan})
    kv.put(settings, "k", 1)
    clock.now += 0.99
    assert fails(lambda: kv.put(settings, "k", 2)) == ("put", "key-rate")
    kv.put(settings, "other", 1)
    clock.now += 0.02
    kv.put(settings, "k", 3)
    assert kv.get(settings, "k") == 3


def test_a_refused_write_uses_no_quota() -> None:
    kv = Kv(ManualClock(1_000_000.0))
    kv.put(FREE, "k", 1)
    for _ in range(9):
        fails(lambda: kv.put(FREE, "k", 2))
    assert kv.used_today()["put"] == 1


def test_paid_has_no_daily_quota() -> None:
    kv, paid = Kv(ManualClock(1_000_000.0)), KvSettings(plan="paid", writes_per_day=1)
    kv.put(paid, "a", 1)
    kv.put(paid, "b", 1)
    assert kv.get(paid, "b") == 1


@pytest.mark.parametrize(("api", "words"), [("binding", "limit exceeded for the day"), ("rest", "10048")])
def test_each_api_fails_in_its_own_words(api: str, words: str) -> None:
    settings = KvSettings.model_validate({"plan": "free", "writes_per_day": 1, "api": api})
    kv = Kv(ManualClock(1_000_000.0))
    kv.put(settings, "a", 1)
    with pytest.raises(KvError, match=words):
        kv.put(settings, "b", 1)


def test_another_place_sees_a_write_later() -> None:
    clock, settings = ManualClock(1_000_000.0), KvSettings(consistency=60.0)
    kv = Kv(clock)
    kv.put(settings, "k", "old", ttl=500)
    clock.now += 60
    kv.put(settings, "k", "new", ttl=500)
    clock.now += 59
    assert (kv.get(settings, "k", 0), kv.get(settings, "k", 1)) == ("new", "old")
    clock.now += 1
    assert kv.get(settings, "k", 1) == "new"


def test_a_write_that_asks_for_less_than_sixty_seconds_is_refused_on_any_plan() -> None:
    heard: list[tuple[str, str | None]] = []
    kv = Kv(ManualClock(1_000_000.0), lambda op, cause: heard.append((op, cause)))
    words = r"KV PUT failed: 400 Invalid expiration_ttl of 59\.9\. Expiration TTL must be at least 60\.$"
    with pytest.raises(KvError, match=words):
        kv.put(IDEAL, "k", 1, ttl=59.9)
    assert (heard, kv.get(IDEAL, "k"), kv.used_today()["put"]) == ([("put", "ttl"), ("get", None)], None, 0)


def test_a_value_expires_after_its_ttl() -> None:
    clock = ManualClock(1_000_000.0)
    kv = Kv(clock)
    kv.put(IDEAL, "short", 1, ttl=60)
    kv.put(IDEAL, "long", 1, ttl=120)
    clock.now += 59.9
    assert kv.get(IDEAL, "short") == 1
    clock.now += 0.1
    assert (kv.get(IDEAL, "short"), kv.get(IDEAL, "long")) == (None, 1)


def test_expired_keys_do_not_pile_up() -> None:
    clock = ManualClock(1_000_000.0)
    kv = Kv(clock)
    for number in range(100):
        kv.put(IDEAL, f"old-{number}", 1)
    clock.now += MIN_TTL - 1
    kv.put(IDEAL, "young", 1)
    clock.now += SWEEP_EVERY - 1
    kv.put(IDEAL, "new", 1)
    assert kv.keys() == 102  # not looked at yet
    clock.now += 1
    kv.put(IDEAL, "new", 1)
    assert kv.keys() == 2


def test_reset_empties_the_namespace_and_the_quota() -> None:
    kv = Kv(ManualClock(1_000_000.0))
    kv.put(FREE, "k", 1)
    kv.reset()
    kv.put(FREE, "k", 2)
    assert (kv.get(FREE, "k"), kv.used_today()["put"]) == (2, 1)


_OPS = st.lists(st.tuples(st.floats(0, 3), st.sampled_from("ab"), st.integers(0, 1)), max_size=60)


@given(_OPS, st.sampled_from([0.0, 1.0, 5.0]))
def test_reads_equal_a_slow_oracle(ops: list[tuple[float, str, int]], consistency: float) -> None:
    clock, settings = ManualClock(0.0), KvSettings(consistency=consistency)
    kv, log = Kv(clock), list[tuple[float, str, int, int]]()
    for number, (wait, key, place) in enumerate(ops):
        clock.now += wait
        kv.put(settings, key, number, ttl=1e6, place=place)
        log.append((clock.now, key, place, number))
        for reader in (0, 1):
            seen = [
                value
                for at, name, writer, value in log
                if name == key and (writer == reader or clock.now - at >= consistency)
            ]
            assert kv.get(settings, key, reader) == (seen[-1] if seen else None)
