"""The histogram against the library's own recording and against exact percentiles."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from telemetry.points.histogram import HIGHEST, PERCENTILES, Histogram

VALUES = arrays.arrays(np.float64, st.integers(1, 200), elements=st.floats(0.0, 3_600_000.0))


def recorded(*parts: np.ndarray) -> Histogram:
    histogram = Histogram()
    for part in parts:
        histogram.record(part)
    return histogram


@given(VALUES)
def test_it_counts_as_the_library_does(values: np.ndarray) -> None:
    one_by_one = HdrHistogram(1, HIGHEST, 3)
    for micros in np.rint(values * 1000).astype(int).tolist():
        assert one_by_one.record_value(micros)
    counts = recorded(values).counts
    assert counts.tolist() == list(one_by_one.counts)[: counts.size]
    assert counts.sum() == one_by_one.total_count


@given(VALUES)
def test_percentiles_are_within_a_thousandth(values: np.ndarray) -> None:
    summary = recorded(values).summary()
    for p in PERCENTILES:
        exact = np.percentile(values, p, method="inverted_cdf")
        assert summary[f"p{p:g}_ms"] == pytest.approx(exact, rel=1e-3, abs=2e-3)
    assert summary["max_ms"] == pytest.approx(values.max(), abs=1e-3)


@given(st.lists(VALUES, min_size=1, max_size=7), st.randoms())
def test_adding_in_any_order_is_recording_all(parts: list[np.ndarray], random: Random) -> None:
    """Merging is exact: counter by counter as if one had recorded everything."""
    histograms = [recorded(part) for part in parts]
    random.shuffle(histograms)
    added = Histogram()
    for histogram in histograms:
        added.add(histogram)
    assert added.counts.tolist() == recorded(*parts).counts.tolist()
    assert added.summary() == recorded(*parts).summary()
    assert added.count == sum(part.size for part in parts)


def test_nothing_recorded_says_nothing() -> None:
    assert Histogram().summary() == {}
    assert recorded(np.empty(0)).count == 0


def test_what_is_beyond_the_ends_counts_at_the_ends() -> None:
    summary = recorded(np.array([-5.0, 1e12])).summary("x_")
    assert summary["x_max_ms"] == 3_600_000.0
    assert summary["x_p50_ms"] == 0.0
