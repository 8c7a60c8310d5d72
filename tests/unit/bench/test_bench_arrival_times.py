from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.arrival_times import behind_schedule, delays


def test_an_ideal_schedule_has_no_delay() -> None:
    ideal = 1000.0 + np.arange(100) / 50
    assert behind_schedule(ideal, 50) == pytest.approx(np.zeros(100), abs=1e-9)


def test_a_late_arrival_is_late_by_its_own_delay_only() -> None:
    arrived = np.arange(100) / 50
    arrived[40] += 0.015
    found = delays(arrived, 50)
    assert (found.p50, found.max) == pytest.approx((0, 15), abs=1e-6)


def test_a_slower_rate_is_seen_as_growing_delay() -> None:
    behind = behind_schedule(np.arange(100) / 25, 50)
    assert behind[-1] == pytest.approx(99 / 50)
    assert (np.diff(behind) > 0).all()


def test_no_arrivals_have_no_delay() -> None:
    with pytest.raises(ValueError, match="nothing arrived"):
        behind_schedule(np.empty(0), 50)


@given(
    st.floats(-1e6, 1e6),
    st.lists(st.floats(0, 1), min_size=1, max_size=50),
    st.sampled_from([1.0, 7.0, 500.0]),
)
def test_the_clocks_zero_does_not_matter(zero: float, jitter: list[float], rate: float) -> None:
    arrived = np.arange(len(jitter)) / rate + np.array(jitter)
    shifted = behind_schedule(arrived + zero, rate)
    assert shifted == pytest.approx(behind_schedule(arrived, rate), abs=1e-6)
    assert shifted.min() == 0
