"""Percentiles by bin, within 1 % of the exact ones and never over the largest value."""

from __future__ import annotations

import numpy as np
import pytest

from webui.live.spread import SHARES, Spread


def test_within_one_percent_of_the_exact_ones_in_any_order_of_bins() -> None:
    random = np.random.default_rng(3)
    values, bins = random.lognormal(3, 1.5, 20_000), random.integers(0, 4, 20_000)
    spread = Spread()
    for part in np.array_split(np.arange(20_000), 13):
        spread.add(bins[part], values[part])
    for number in range(4):
        exact = np.quantile(values[bins == number], list(SHARES.values()), method="inverted_cdf")
        assert list(spread.percentiles(number).values()) == pytest.approx(exact, rel=0.0101)


def test_a_bin_that_grows_is_told_anew() -> None:
    spread = Spread()
    spread.add(np.array([5]), np.array([12.5]))
    assert spread.percentiles(5) == {"p50": 12.5, "p95": 12.5, "p99": 12.5}
    spread.add(np.array([5, 5]), np.array([100.0, 100.0]))
    assert spread.percentiles(5)["p50"] == 100.0


def test_nothing_and_less_than_nothing() -> None:
    spread = Spread()
    spread.add(np.empty(0, np.int64), np.empty(0))
    assert spread.percentiles(0) == {}
    spread.add(np.array([0, 0]), np.array([0.0, 1e9]))
    assert spread.percentiles(0)["p99"] <= 3_700_000
