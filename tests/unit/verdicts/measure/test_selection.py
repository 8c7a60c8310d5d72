"""Values by their rank, found without holding them all: what numpy finds in the whole."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from telemetry.recording.sample import SAMPLE
from verdicts.measure.calls import percentiles, selection
from verdicts.run import samples as stored
from verdicts.run.samples import Samples, Values

NUMBERS = st.one_of(
    st.floats(allow_nan=False), st.floats(0.0249, 0.0251), st.sampled_from([0.0, 0.025, -1.5, 1e300])
)


def values_of(numbers: list[float]) -> Values:
    records = np.zeros(len(numbers), SAMPLE)
    records["planned"] = numbers
    samples = Samples([records])
    return samples["planned"].of(np.ones(len(numbers), np.bool_))


@pytest.fixture(autouse=True)
def _little_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection, "FIT", 4)
    monkeypatch.setattr(stored, "PIECE", 8)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(NUMBERS, min_size=1, max_size=80))
@example([9e307])  # twice as much is no float
def test_percentiles_and_median_are_numpys(numbers: list[float]) -> None:
    found, expected = percentiles.of(values_of(numbers)), np.array(numbers)
    by_numpy = [float(np.percentile(expected, q, method="inverted_cdf")) for q in (50, 95, 99)]
    assert [found.p50, found.p95, found.p99, found.max] == [*by_numpy, max(numbers)]
    with np.errstate(over="ignore"):
        assert percentiles.median(values_of(numbers)) == float(np.median(expected))


def test_one_that_is_no_number_makes_all_of_them_none() -> None:
    found = percentiles.of(values_of([*range(20), float("nan")]))
    assert np.isnan([found.p50, found.p99, found.max]).all()
    assert found.count == 21


def test_an_arrays_order_is_kept() -> None:
    numbers = np.array([3.0, 1.0, 2.0])
    assert percentiles.of(numbers).p50 == 2.0
    assert numbers.tolist() == [3.0, 1.0, 2.0]


def test_many_that_are_equal_are_told_by_their_bits() -> None:
    found = percentiles.of(values_of([0.149] * 50 + [0.15] * 3))
    assert (found.p50, found.p99, found.max) == (0.149, 0.15, 0.15)
