"""The bracketed bisection: both ends confirmed, one lie outvoted, ends that were only assumed tried."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shapes.frontier.bisection import Bisection, Bracket

Oracle = Callable[[float], bool]
Trials = list[tuple[float, bool]]


def run(search: Bisection, passes: Oracle, lie: int | None = None) -> tuple[Bracket, Trials]:
    made: Trials = []
    while (value := search.next_trial()) is not None:
        outcome = passes(value) ^ (len(made) == lie)
        search.report(value, outcome)
        made.append((value, outcome))
    return search.result, made


@given(st.floats(1.01, 99), st.sampled_from([0.03, 0.1, 0.5]))
def test_the_edge_is_enclosed_and_both_ends_were_tried_twice(edge: float, tolerance: float) -> None:
    found, made = run(Bisection(1, 100, tolerance=tolerance), lambda value: value <= edge)
    assert found.confirmed
    assert found.lower is not None
    assert found.upper is not None
    assert found.lower <= edge < found.upper
    assert found.upper <= found.lower * (1 + tolerance) * 1.02  # values have three digits
    for end, outcome in ((found.lower, True), (found.upper, False)):
        assert made.count((end, outcome)) >= 2
    assert found.middle is not None
    assert found.lower < found.middle < found.upper


@given(st.floats(1.05, 95), st.integers(0, 12), st.booleans())
def test_one_trial_that_lies_changes_nothing(edge: float, lie: int, first: bool) -> None:
    def search() -> Bisection:
        return Bisection(1, 100, first=100 if first else None, max_trials=40)

    honest, _ = run(search(), lambda value: value <= edge)
    lied, made = run(search(), lambda value: value <= edge, lie)
    if lie < len(made):
        assert lied.confirmed
        assert lied.lower is not None
        assert lied.upper is not None
        assert lied.lower <= edge < lied.upper
        assert lied.upper <= lied.lower * 1.1 * 1.02
    else:
        assert lied == honest


def test_the_ends_are_tried_before_they_are_part_of_an_answer() -> None:
    everything, made = run(Bisection(1, 100), lambda value: True)
    assert (everything.lower, everything.upper, everything.confirmed) == (100, None, True)
    assert made.count((100, True)) == 2
    nothing, made = run(Bisection(1, 100), lambda value: False)
    assert (nothing.lower, nothing.upper, nothing.confirmed) == (None, 1, True)
    assert made.count((1, False)) == 2


def test_a_value_whose_trials_disagree_counts_as_failed_until_a_third_one_decides() -> None:
    search = Bisection(1, 1.1)
    for value, passed in ((1, True), (1, True), (1.1, False), (1.1, True)):
        assert search.next_trial() == value
        found = search.report(value, passed)
    assert found == Bracket(1, 1.1, confirmed=False)
    assert search.next_trial() == 1.1
    assert search.report(1.1, True) == Bracket(1.1, None, confirmed=True)


def test_where_the_upper_end_passes_first_two_trials_are_enough() -> None:
    found, made = run(Bisection(1, 100, first=100), lambda value: True)
    assert made == [(100, True), (100, True)]
    assert found == Bracket(100, None, confirmed=True)
    assert found.middle is None


def test_a_search_that_has_not_ended_claims_nothing_that_was_not_tried() -> None:
    search = Bisection(1, 100)
    assert search.result == Bracket(None, None, confirmed=False)
    assert search.report(10, False) == Bracket(None, 10, confirmed=False)


@given(st.lists(st.booleans(), max_size=40), st.booleans())
def test_what_passed_lies_below_what_failed_whatever_the_outcomes(outcomes: list[bool], first: bool) -> None:
    search = Bisection(1, 100, tolerance=0.02, first=100 if first else None, max_trials=40)
    votes: dict[float, list[bool]] = {}
    for outcome in outcomes:
        if (value := search.next_trial()) is None:
            break
        votes.setdefault(value, []).append(outcome)
        found = search.report(value, outcome)
        passed = [one for one, all in votes.items() if all.count(True) * 2 > len(all)]
        failed = sorted(set(votes) - set(passed))
        assert max(passed, default=0) < min(failed, default=101)
        assert found.lower == max(passed, default=None)
        assert found.upper == min(failed, default=None)


@given(st.integers(0, 10**6))
def test_a_noisy_edge_ends_in_time_with_a_bracket_near_it(seed: int) -> None:
    dice = random.Random(seed)
    found, made = run(
        Bisection(1, 100, max_trials=30), lambda value: value <= 20 * (1 + dice.uniform(-0.05, 0.05))
    )
    assert len(made) <= 30
    assert found.lower is not None
    assert found.upper is not None
    assert 17 < found.lower < found.upper < 22.5


def test_twenty_trials_are_made_unless_told() -> None:
    answers = random.Random(0)  # it would take 32
    search = Bisection(1e-6, 1e9, tolerance=0.02)
    made = 0
    while (value := search.next_trial()) is not None:
        search.report(value, answers.random() < 0.5)
        made += 1
    assert made == 20


def test_an_end_within_the_tolerance_is_near_enough() -> None:
    search = Bisection(100, 110, tolerance=0.1)
    assert search.next_trial() == 100
    assert Bisection(100, 110.2, tolerance=0.1).next_trial() == 105


@pytest.mark.parametrize(
    "arguments",
    [
        {"low": 1e-6, "high": 1e9, "tolerance": 0.02, "first": 1e9, "max_trials": 2},
        {"low": 5, "high": 5, "tolerance": 1, "first": 5, "max_trials": 1000},
    ],
)
def test_the_bounds_themselves_are_allowed(arguments: dict[str, float]) -> None:
    assert Bisection(**arguments).next_trial() == arguments["first"]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Bisection(0, 1), "low must be a number from 1e-06 to 1e+09, not 0"),
        (lambda: Bisection(2, 1), "high must be a number from 2 to 1e+09, not 1"),
        (lambda: Bisection(2, 2e9), "high must be a number from 2 to 1e+09, not 2000000000.0"),
        (lambda: Bisection(1, 2, tolerance=0.019), "tolerance must be a number from 0.02 to 1, not 0.019"),
        (lambda: Bisection(1, 2, tolerance=1.1), "tolerance must be a number from 0.02 to 1, not 1.1"),
        (lambda: Bisection(1, 2, first=3), "first must be a number from 1 to 2, not 3"),
        (lambda: Bisection(1, 2, max_trials=1), "max_trials must be a whole number from 2 to 1000, not 1"),
        (
            lambda: Bisection(1, 2, max_trials=1001),
            "max_trials must be a whole number from 2 to 1000, not 1001",
        ),
        (lambda: Bisection(1, 4).report(3, True), "a trial at 3 was reported; expected: 2.0"),
    ],
)
def test_what_is_refused(make: Callable[[], object], says: str) -> None:
    with pytest.raises(ValueError, match=r"must be|reported") as refused:
        make()
    assert str(refused.value) == says
