from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from verdicts.measure.calls import percentiles

DURATIONS = st.lists(st.floats(0, 100), min_size=1, max_size=300)


def oracle(values: list[float], share: Fraction) -> float:
    """The smallest value with at least that share of all at or below it."""
    ordered = sorted(values)
    return next(v for place, v in enumerate(ordered, 1) if Fraction(place, len(ordered)) >= share)


@given(DURATIONS)
def test_percentiles_are_values_that_occurred(values: list[float]) -> None:
    found = percentiles.of(np.array(values))
    assert found.count == len(values)
    assert found.p50 == oracle(values, Fraction(50, 100))
    assert found.p95 == oracle(values, Fraction(95, 100))
    assert found.p99 == oracle(values, Fraction(99, 100))
    assert found.max == max(values)


def test_a_constant_149_ms_is_149_ms() -> None:
    found = percentiles.of(np.full(1000, 0.149))
    assert found.ms() == {"p50": 149.0, "p95": 149.0, "p99": 149.0, "max": 149.0, "count": 1000}


def test_without_calls_there_is_no_percentile() -> None:
    found = percentiles.of(np.empty(0))
    assert math.isnan(found.p95)
    assert found.ms() == {"p50": None, "p95": None, "p99": None, "max": None, "count": 0}
