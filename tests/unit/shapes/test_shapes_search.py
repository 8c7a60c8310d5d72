"""The breakpoint search against exact and noisy monotone targets."""

import math
import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shapes.search import MACHINE, Result, Search, Trial

Oracle = Callable[[float], bool]


def run(search: Search, bears: Oracle, limit: str = "p95") -> Result:
    while (rate := search.next_trial()) is not None:
        search.report(rate, bears(rate), limit)
    return search.result


@given(st.floats(10.001, 9999), st.sampled_from([0.01, 0.05, 0.1, 0.5]))
@settings(max_examples=200, deadline=None)
def test_an_exact_target_is_enclosed_within_the_tolerance(point: float, tolerance: float) -> None:
    result = run(Search(10, 10_000, tolerance=tolerance, max_trials=40), lambda rate: rate <= point)
    assert result.kind == "breakpoint"
    assert result.confirmed
    assert result.first_limit == "p95"
    assert result.lower is not None
    assert result.upper is not None
    assert result.lower <= point < result.upper <= result.lower * (1 + tolerance)


@given(st.floats(1, 20_000), st.floats(0.01, 0.3), st.integers(0, 10**6), st.integers(2, 40))
@settings(max_examples=300, deadline=None)
def test_a_noisy_target_ends_in_time_with_bounds_that_hold(
    point: float, noise: float, seed: int, trials: int
) -> None:
    dice = random.Random(seed)
    result = run(
        Search(10, 10_000, max_trials=trials), lambda rate: rate <= point * (1 + dice.uniform(-noise, noise))
    )
    assert 1 <= len(result.trials) <= trials
    if result.lower is not None:
        assert result.lower <= point * (1 + noise)
    if result.upper is not None:
        assert result.upper >= point * (1 - noise)
    if result.lower is not None and result.upper is not None:
        assert result.lower < result.upper
    if result.confirmed:
        assert [trial.passed for trial in result.trials if trial.rate == result.lower].count(True) >= 2
        assert [trial.passed for trial in result.trials if trial.rate == result.upper].count(False) >= 2 or (
            result.upper is None
        )


@given(st.integers(0, 10**6))
@settings(max_examples=100, deadline=None)
def test_two_searches_of_a_target_with_five_percent_noise_agree_within_ten(seed: int) -> None:
    dice = random.Random(seed)
    found = [
        run(
            Search(10, 10_000, tolerance=0.04, max_trials=40),
            lambda rate: rate <= 777 * dice.uniform(0.95, 1.05),
        )
        for _ in range(2)
    ]
    lows = [result.lower for result in found if result.lower]
    assert len(lows) == 2
    assert max(lows) / min(lows) < 1.1


def test_nineteen_of_twenty_pairs_agree_within_ten_percent_where_luck_decides_near_the_point() -> None:
    """A target that bears 10 % less than its point seven times of eight, and 10 % more once of eight."""
    dice = random.Random(7)

    def bears(rate: float) -> bool:
        return dice.random() < 1 / (1 + math.exp((rate / 68 - 1) * 20))

    found = [run(Search(1, 2000, start=200, tolerance=0.05, max_trials=40), bears).lower for _ in range(400)]
    lows = [low for low in found if low]
    pairs = zip(lows[::2], lows[1::2], strict=True)
    assert sum(max(pair) / min(pair) < 1.1 for pair in pairs) > 0.9 * len(found) / 2


def test_the_path_is_growth_then_bisection_then_confirmation_of_both_bounds() -> None:
    search = Search(100, 1000, tolerance=0.5)
    assert [trial.rate for trial in run(search, lambda rate: rate < 300).trials] == pytest.approx(
        [100, 200, 400, math.sqrt(80_000), math.sqrt(80_000), 400]
    )


def test_what_never_fails_is_at_least_the_highest_rate() -> None:
    result = run(Search(10, 45), lambda rate: True)
    assert [trial.rate for trial in result.trials] == [10, 20, 40, 45, 45]
    assert (result.kind, result.lower, result.upper, result.confirmed) == ("at least", 45, None, True)
    assert str(result) == "at least 45 per second"


def test_what_fails_at_once_is_below_the_lowest_rate() -> None:
    result = run(Search(10, 45), lambda rate: False, "db_pool_timeout")
    assert (result.kind, result.lower, result.upper, len(result.trials)) == ("below", None, 10, 2)
    assert str(result) == "below 10 per second, limited by db_pool_timeout"


def test_a_limit_of_this_machine_is_never_called_a_breakpoint() -> None:
    result = run(Search(10, 100, tolerance=1), lambda rate: rate < 40, MACHINE)
    assert result.kind == "at least"
    assert str(result) == "at least 20 per second, limited by this machine"
    assert [trial.rate for trial in result.trials] == [10, 20, 40, 20], "its failure is not tried again"


@pytest.mark.parametrize(
    ("answers", "rates", "bounds"),
    [
        ("pfpf", [10, 20, 10, 20], (10, 20)),
        ("pffpf", [10, 20, 10, 10, 20], (10, 20)),
        ("pfff", [10, 20, 10, 10], (None, 10)),
        ("pfppf", [10, 20, 10, 20, 20], (10, 20)),
        ("pfpppff", [10, 20, 10, 20, 20, 40, 40], (20, 40)),
        ("ff", [10, 10], (None, 10)),
        ("fppff", [10, 10, 10, 20, 20], (10, 20)),
    ],
)
def test_a_bound_is_what_most_of_its_trials_say(
    answers: str, rates: list[float], bounds: tuple[float | None, float | None]
) -> None:
    given = iter(answers)
    result = run(Search(10, 100, tolerance=1), lambda rate: next(given) == "p")
    assert [trial.rate for trial in result.trials] == rates
    assert (result.lower, result.upper) == bounds


def test_the_last_trial_is_kept_for_the_confirmation() -> None:
    result = run(Search(10, 10_000, tolerance=0.001, max_trials=6), lambda rate: rate < 35)
    assert len(result.trials) == 6
    assert result.trials[-1].rate == result.lower
    assert not result.confirmed, "the upper bound is not"
    unlucky = iter([True, True, True, False])
    assert run(Search(10, 10_000, max_trials=4), lambda rate: next(unlucky)).confirmed is False


def test_a_search_not_begun_knows_nothing() -> None:
    search = Search(10, 100)
    assert search.result.kind == "none"
    assert str(search.result) == "not known"
    assert search.next_trial() == search.next_trial() == 10


def test_a_report_of_another_rate_is_refused_and_changes_nothing() -> None:
    search = Search(10, 100)
    with pytest.raises(ValueError, match=r"^a trial at 20 was reported; expected: 10\.0$"):
        search.report(20, True)
    assert search.result.trials == ()


def test_a_finished_search_takes_no_report() -> None:
    search = Search(10, 10)
    run(search, lambda rate: True)
    with pytest.raises(ValueError, match="expected: None"):
        search.report(10, True)


@given(st.floats(10.001, 9999), st.floats(10, 10_000))
@settings(max_examples=200, deadline=None)
def test_any_start_leads_to_the_same_breakpoint(point: float, start: float) -> None:
    search = Search(10, 10_000, start=start, tolerance=0.05, growth=4, max_trials=60)
    result = run(search, lambda rate: rate <= point)
    assert (result.kind, result.confirmed) == ("breakpoint", True)
    assert result.lower is not None
    assert result.upper is not None
    assert result.lower <= point < result.upper <= result.lower * 1.05 * (1 + 1e-6)


@given(st.floats(20, 5000), st.floats(1.0, 1.049))
@settings(max_examples=100, deadline=None)
def test_a_good_start_takes_four_trials(point: float, off: float) -> None:
    search = Search(10, 10_000, start=point / off, tolerance=0.05)
    result = run(search, lambda rate: rate <= point)
    assert (len(result.trials), result.confirmed) == (4, True)


def test_steps_from_a_start_grow_up_to_growth() -> None:
    up = run(Search(1, 1000, start=100, tolerance=0.1, growth=2), lambda rate: True)
    assert [trial.rate for trial in up.trials][:5] == pytest.approx([100, 110, 133.1, 194.871721, 389.743442])
    down = run(Search(20, 1000, start=100, tolerance=0.1, growth=2), lambda rate: False)
    assert [trial.rate for trial in down.trials] == pytest.approx(
        [100, 90.909, 75.131, 51.316, 25.658, 20, 20], rel=1e-4
    )
    assert (down.kind, down.upper) == ("below", 20)


def test_nothing_is_known_where_this_machine_bears_nothing() -> None:
    result = run(Search(10, 100), lambda rate: False, MACHINE)
    assert (result.kind, result.lower) == ("none", None)
    assert str(result) == "not known, limited by this machine"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"low": 10, "high": 20, "start": 9}, "start must be a number from 10 to 20, not 9"),
        ({"low": 10, "high": 20, "start": 21}, "start must be a number from 10 to 20, not 21"),
        ({"low": 0, "high": 10}, "low must be a number from 1e-06 to 1e+09, not 0"),
        ({"low": -1, "high": 10}, "low must be a number from 1e-06 to 1e+09, not -1"),
        ({"low": 10, "high": 9}, "high must be a number from 10 to 1e+09, not 9"),
        ({"low": 10, "high": math.inf}, "high must be a number from 10 to 1e+09, not inf"),
        ({"low": 10, "high": 20, "tolerance": 0}, "tolerance must be a number from 0.001 to 1, not 0"),
        ({"low": 10, "high": 20, "tolerance": 2}, "tolerance must be a number from 0.001 to 1, not 2"),
        ({"low": 10, "high": 20, "growth": 1}, "growth must be a number from 1.1 to 10, not 1"),
        ({"low": 10, "high": 20, "growth": 11}, "growth must be a number from 1.1 to 10, not 11"),
        ({"low": 10, "high": 20, "max_trials": 1}, "max_trials must be a whole number from 2 to 1000, not 1"),
        (
            {"low": 10, "high": 20, "max_trials": 1001},
            "max_trials must be a whole number from 2 to 1000, not 1001",
        ),
    ],
)
def test_a_search_that_cannot_end_is_refused(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match="must be a") as refused:
        Search(**arguments)  # type: ignore[arg-type]
    assert str(refused.value) == message


@pytest.mark.parametrize(
    "arguments",
    [
        {"low": 1e-6, "high": 1e9, "start": 1e-6, "tolerance": 0.001, "growth": 1.1, "max_trials": 2},
        {"low": 5, "high": 5, "start": 5, "tolerance": 1, "growth": 10, "max_trials": 1000},
    ],
)
def test_the_bounds_themselves_are_allowed(arguments: dict[str, float]) -> None:
    assert Search(**arguments).next_trial() == arguments["start"]  # type: ignore[arg-type]


def test_fifteen_trials_are_made_unless_told() -> None:
    assert len(run(Search(1, 1e9, tolerance=0.001), lambda rate: rate < 777).trials) == 15


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (Result("breakpoint", 12.34567, 13, True, "p95", ()), "12.35 per second, limited by p95"),
        (Result("breakpoint", 12, 13, False, "", ()), "12 per second, not confirmed"),
        (Result("at least", 45, None, False, "", ()), "at least 45 per second, not confirmed"),
        (Result("at least", 45.6789, None, True, "", ()), "at least 45.68 per second"),
        (Result("below", None, 10.98765, False, "5xx", ()), "below 10.99 per second, limited by 5xx"),
        (Result("none", None, None, False, "", ()), "not known"),
    ],
)
def test_a_result_in_words(found: Result, says: str) -> None:
    assert str(found) == says


def test_a_trial_that_passed_has_no_limit_and_one_that_failed_has_its_own() -> None:
    search = Search(10, 100)
    search.report(10, True, "p95")
    assert search.report(20, False, "5xx").trials == (Trial(10, True, ""), Trial(20, False, "5xx"))
    assert search.result.first_limit == "5xx"
    assert search.report(math.sqrt(200), False, "p99").first_limit == "p99"  # that of the upper bound
    assert Search(10, 100).report(10, True, "p95").first_limit == ""
    assert Search(10, 100).report(10, False) == Result("below", None, 10, False, "", (Trial(10, False),))
