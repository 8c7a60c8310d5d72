"""The comparison: equals are rarely told apart, large differences are found, every refusal is one line."""

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tests.support import compare_simulation as simulation
from tests.support.compare_simulation import DRIFTS, NOISES, covered, found, ours
from verdicts.compare.statistics import ALPHA, Difference, FigurePair, compare, holm, told_apart

values = st.lists(st.floats(0.5, 1000), min_size=4, max_size=8)


def one(
    a: list[float], b: list[float], better: Any = "lower", *, interleaved: bool = True, **rest: Any
) -> Difference:
    return compare([FigurePair("p95", a, b, better, **rest)], interleaved=interleaved)[0]


@pytest.mark.parametrize("drift", DRIFTS)
@pytest.mark.parametrize("noise", NOISES)
def test_of_a_thousand_pairs_of_equals_at_most_seven_percent_are_told_apart(noise: str, drift: str) -> None:
    """A quarter of them of each number of runs; docs/adr/0005-comparing-runs.md has a thousand of each."""
    shares = [simulation.told_apart(ours, noise, drift, runs, pairs=250) for runs in (4, 5, 6, 8)]
    assert sum(shares) / len(shares) <= 0.07


@pytest.mark.parametrize(
    ("ratio", "runs", "least"), [(1.3, 4, 0.8), (0.75, 4, 0.7), (2.0, 4, 0.99), (1.15, 8, 0.9)]
)
def test_a_large_difference_in_one_of_five_figures_is_found(ratio: float, runs: int, least: float) -> None:
    assert found(ours, ratio, "normal", "linear", runs, pairs=200) >= least


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("drift", ["none", "linear"])
def test_intervals_hold_the_truth_as_often_as_they_say(noise: str, drift: str) -> None:
    assert covered(noise, drift, runs=4, pairs=500) >= 0.92


@given(values, values)
@settings(max_examples=200, deadline=None)
def test_without_drift_it_is_welchs_t_test_exactly(a: list[float], b: list[float]) -> None:
    if np.std(a) < 1e-6 or np.std(b) < 1e-6:
        return
    mine = one(a, b, interleaved=False)
    theirs = stats.ttest_ind(np.log(b), np.log(a), equal_var=False)
    low, high = theirs.confidence_interval(0.95)
    assert mine.p == pytest.approx(theirs.pvalue, rel=1e-6, abs=1e-12)
    assert mine.relative_interval == pytest.approx((math.expm1(low), math.expm1(high)), rel=1e-6, abs=1e-9)


@given(st.floats(10, 1000), st.floats(-0.1, 0.1), st.integers(4, 8), st.floats(0.8, 1.25))
@settings(max_examples=100, deadline=None)
def test_a_drift_that_is_the_same_for_both_sides_is_no_difference(
    start: float, slope: float, runs: int, ratio: float
) -> None:
    series = [start * math.exp(slope * place) for place in range(2 * runs)]
    same = one(series[::2], series[1::2])
    assert same.call == "not told apart"
    assert same.relative == pytest.approx(0, abs=1e-9)
    other = one(series[::2], [value * ratio for value in series[1::2]])
    assert other.relative == pytest.approx(ratio - 1, abs=1e-9)


@given(st.lists(st.tuples(values, values), min_size=1, max_size=6))
@settings(max_examples=200, deadline=None)
def test_an_interval_leaves_zero_out_if_and_only_if_the_figure_is_told_apart(
    sides: list[tuple[list[float], list[float]]],
) -> None:
    figures = [FigurePair(str(k), a, b, "lower") for k, (a, b) in enumerate(sides)]
    for each in compare(figures, interleaved=False):
        low, high = each.interval
        assert low <= each.difference <= high
        assert (low > 0 or high < 0) == (each.call != "not told apart") or each.p == pytest.approx(
            ALPHA, rel=1e-6
        )
        assert (each.p <= ALPHA) == (each.call != "not told apart")
        assert each.level >= 1 - ALPHA
    calls = [each.call != "not told apart" for each in compare(figures, interleaved=False)]
    assert told_apart(figures, interleaved=False) == calls


@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_rejects_what_its_definition_rejects(ps: list[float]) -> None:
    tested = holm(ps)
    for p, outcome in zip(ps, tested, strict=True):
        steps = [q <= ALPHA / (len(ps) - rank) for rank, q in enumerate(sorted(ps)) if q <= p]
        assert outcome.rejected == all(steps)
        assert outcome.p >= p


def test_holm_by_a_literal_table() -> None:
    tested = holm([0.01, 0.04, 0.03, 0.005])
    assert [each.p for each in tested] == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert [each.level for each in tested] == pytest.approx([1 - 0.05 / 3, 0.975, 0.975, 0.9875])
    assert [each.rejected for each in tested] == [True, False, False, True]
    assert holm([]) == []


FAST, SLOW = [100.0, 102, 99, 101], [150.0, 152, 149, 151]


@pytest.mark.parametrize(
    ("a", "b", "better", "call"),
    [
        (FAST, SLOW, "lower", "worse"),
        (FAST, SLOW, "higher", "better"),
        (SLOW, FAST, "lower", "better"),
        (SLOW, FAST, "higher", "worse"),
        (FAST, FAST, "lower", "not told apart"),
        ([1500.0] * 4, [100.0] * 4, "lower", "better"),
        ([1500.0] * 4, [1500.0] * 4, "lower", "not told apart"),
        ([0.0] * 4, [0.0] * 4, "lower", "not told apart"),
        ([0.0] * 4, [7.0] * 4, "lower", "worse"),
        ([0.0, 1, 0, 2], [900.0, 950, 920, 910], "lower", "worse"),
        ([-5.0, -6, -5, -6], [5.0, 6, 5, 6], "higher", "better"),
        ([1e300, 1.1e300, 1e300, 1.1e300], [1.0, 1.1, 1, 1.1], "lower", "better"),
        ([1.0, 100, 3, 40], [2.0, 50, 9, 10], "lower", "not told apart"),
    ],
)
def test_calls_by_a_literal_table(a: list[float], b: list[float], better: str, call: str) -> None:
    assert one(a, b, better).call == call


@pytest.mark.parametrize(
    ("floors", "call"),
    [
        ({}, "worse"),
        ({"floor_relative": 0.49}, "worse"),
        ({"floor_relative": 0.51}, "not told apart"),
        ({"floor_absolute": 49}, "worse"),
        ({"floor_absolute": 51}, "not told apart"),
        ({"floor_relative": 0.1, "floor_absolute": 51}, "not told apart"),
        ({"floor_relative": 0.51, "floor_absolute": 1}, "not told apart"),
    ],
)
def test_a_difference_within_the_noise_floor_is_not_told_apart(floors: dict[str, Any], call: str) -> None:
    assert one(FAST, SLOW, **floors).call == call


def test_a_certain_difference_keeps_its_interval_when_the_floor_hides_it() -> None:
    hidden = one(FAST, SLOW, floor_absolute=1000)
    assert dataclasses.replace(hidden, call="worse") == one(FAST, SLOW)
    assert hidden.interval[0] > 0


def test_what_is_said_is_in_the_figures_unit_and_as_a_share_of_a() -> None:
    said = one(FAST, SLOW)
    assert said.a == pytest.approx(100.5, abs=0.01)
    assert said.b == pytest.approx(150.5, abs=0.01)
    assert said.difference == pytest.approx(50, abs=1)
    assert said.relative == pytest.approx(said.difference / said.a)
    assert said.interval[0] < said.difference < said.interval[1]


def test_a_share_is_compared_by_difference_and_nothing_by_a_share_of_nothing() -> None:
    said = one([0.99, 0.98, 0.99, 0.98], [0.50, 0.49, 0.50, 0.49], "higher", scale="share")
    assert said.a == pytest.approx(0.985)
    assert said.difference == pytest.approx(-0.49, abs=0.002)
    nothing = one([0.0] * 4, [7.0] * 4)
    assert (nothing.relative, nothing.relative_interval) == (None, None)
    assert nothing.interval == pytest.approx((7, 7))


@given(values, st.floats(0.01, 100))
@settings(max_examples=50, deadline=None)
def test_the_unit_makes_no_difference(a: list[float], unit: float) -> None:
    b = [1.2 * value + k for k, value in enumerate(a)]
    mine, scaled = one(a, b), one([unit * value for value in a], [unit * value for value in b])
    assert scaled.call == mine.call
    assert scaled.relative == pytest.approx(mine.relative, rel=1e-6, abs=1e-9)


def test_more_figures_make_each_harder_to_tell() -> None:
    noise = FigurePair("noise", [1.0, 100, 3, 40], [2.0, 50, 9, 10], "lower")
    close = FigurePair("close", FAST, [104.0, 105, 104, 106], "lower")
    alone, among = compare([close])[0], compare([close, *[noise] * 9])[0]
    assert among.p == pytest.approx(10 * alone.p)
    assert among.level == pytest.approx(0.995)


@pytest.mark.parametrize(
    ("a", "b", "rest", "message"),
    [
        ([1.0] * 3, [1.0] * 4, {}, "^p95: side A has 3 runs; at least 4 are needed$"),
        ([1.0] * 4, [], {}, "^p95: side B has 0 runs; at least 4 are needed$"),
        ([1.0] * 4, [1.0, 2.0, 3.0, math.nan], {}, "^p95: side B has a value that is not a finite number$"),
        ([1.0, 2.0, 3.0, -math.inf], [1.0] * 4, {}, "side A has a value that is not a finite number"),
        ([1.0] * 4, [1.0] * 5, {}, "^p95: 4 runs of A and 5 of B are not interleaved$"),
        ([1.0] * 4, [1.0] * 4, {"floor_relative": -0.1}, "a noise floor must be a number from 0"),
        ([1.0] * 4, [1.0] * 4, {"floor_absolute": math.nan}, "a noise floor must be a number from 0"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    a: list[float], b: list[float], rest: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        one(a, b, **rest)


def test_no_figures_are_no_differences() -> None:
    assert compare([]) == []
