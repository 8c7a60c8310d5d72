from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import ConfigError
from fakes.settings import COUNTS, SPANS, StackSettings, scaled_count
from scenarios.load import load
from scenarios.overrides import Overrides
from shapes.registry import make

DEFAULT = StackSettings()


def test_windows_shrink_and_limits_keep_their_rate() -> None:
    fast = DEFAULT.scaled(6)
    assert (fast.edge.ip_window, fast.edge.ip_per_min) == (10.0, 167)
    assert (fast.origin.rate_window, fast.origin.tiers["starter"], fast.origin.tiers["unlimited"]) == (
        10.0,
        10,
        -1,
    )
    assert (fast.balancer.check_interval, fast.balancer.failures_to_down) == (5.0, 3)
    assert fast.kv.writes_per_day == 167


def test_seconds_and_calls_stay_as_they_are() -> None:
    fast = DEFAULT.scaled(20)
    for room, names in {
        "edge": ("burst_window", "burst_per_s", "forward_timeout", "cpu_budget"),
        "kv": ("writes_per_key_per_s",),
        "origin": ("timeout", "breaker_slow", "user_concurrency"),
        "database": ("acquire_timeout",),
    }.items():
        for name in names:
            assert getattr(getattr(fast, room), name) == getattr(getattr(DEFAULT, room), name), name
    assert fast.upstreams == DEFAULT.upstreams


@given(st.floats(1, 1000), st.integers(1, 10**6))
def test_a_count_is_never_nothing_and_no_limit_stays_none(factor: float, count: int) -> None:
    assert abs(scaled_count(count, factor) - count / factor) <= 1
    assert scaled_count(count, factor) >= 1
    assert scaled_count(-1, factor) == -1


def test_every_scaled_name_is_a_setting() -> None:
    for room, names in [*SPANS.items(), *COUNTS.items()]:
        assert set(names) <= set(type(getattr(DEFAULT, room)).model_fields)
    assert DEFAULT.scaled(1) is DEFAULT


def test_a_quick_run_divides_every_time_of_the_scenario() -> None:
    slow, fast = load("health"), load("health", Overrides.read({"duration_scale": "5"}))
    assert fast.time_scale == slow.time_scale * 5
    assert fast.duration == slow.duration / 5
    assert [fault.at for fault in fast.faults] == [fault.at / 5 for fault in slow.faults]
    assert [phase.end for phase in fast.phases] == [phase.end / 5 for phase in slow.phases]
    assert fast.stack_settings().balancer.check_interval == slow.stack_settings().balancer.check_interval / 5


def test_who_waits_before_a_session_is_opened_anew_waits_a_share_of_a_quick_run() -> None:
    whole, quick = (load("session-storm-jitter", Overrides.read({"duration_scale": f})) for f in ("1", "6"))
    assert (whole.duration, whole.groups[0].reopen_within) == (60.0, 10.0)
    assert quick.groups[0].reopen_within / quick.duration == pytest.approx(1 / 6)


def test_a_shape_keeps_its_form_and_its_rate() -> None:
    slow, fast = (load("rate-limit", Overrides.read({"duration_scale": f})) for f in ("1", "6"))
    assert fast.align == 10.0
    for one, other in zip(slow.groups, fast.groups, strict=True):
        rate = one.rate * one.accounts.count
        counts = [
            len(
                make(group.shape.kind, group.shape.params, rate=rate, duration=run.duration, seed=1).offsets()
            )
            for group, run in ((one, slow), (other, fast))
        ]
        assert counts[0] / 6 == pytest.approx(counts[1], abs=2)


def test_a_scaled_scenario_can_be_slowed_down_to_real_time() -> None:
    real = load("health", Overrides.read({"duration_scale": "0.1"}))
    assert (real.time_scale, real.duration) == (1.0, 600.0)
    assert real.stack_settings() == load("health", Overrides.read({"duration_scale": "0.1"})).stack_settings()


@pytest.mark.parametrize("text", ["0", "-1", "1001", "six", "nan", "inf"])
def test_bad_scales_are_one_line(text: str) -> None:
    with pytest.raises(ConfigError, match="duration_scale"):
        load("burst", Overrides.read({"duration_scale": text}))


def test_slower_than_real_time_is_refused() -> None:
    with pytest.raises(ConfigError, match="time_scale"):
        load("burst", Overrides.read({"duration_scale": "0.5"}))
