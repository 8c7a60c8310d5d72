"""The interval of a breakpoint has it where it should, by searches of made targets."""

from __future__ import annotations

import random

import pytest

from shapes.search import Search
from verdicts.breakpoint.interval import Interval, interval


def searched(point: float, width: float, seed: int) -> Interval:
    """Of a target that passes at its point every other time."""
    dice = random.Random(seed)
    search = Search(0.5, 2000, start=200, tolerance=0.05, max_trials=40)
    while (rate := search.next_trial()) is not None:
        search.report(rate, dice.random() < 1 / (1 + min((rate / point) ** (1 / width), 1e300)))
    found = interval((trial.rate, trial.passed) for trial in search.result.trials)
    assert found is not None
    return found


@pytest.mark.parametrize("width", [0.01, 0.05, 0.1])
def test_it_has_the_breakpoint_nine_times_of_ten_at_the_least(width: float) -> None:
    points = [10 ** random.Random(seed).uniform(1, 2.8) for seed in range(60)]
    found = [searched(point, width, seed) for seed, point in enumerate(points)]
    has = sum(one.least <= point <= one.most for one, point in zip(found, points, strict=True))
    assert has >= 54
    assert max(one.most / one.least for one in found) < 2, "it says something"


def test_trials_that_agree_narrow_it_and_those_that_do_not_widen_it() -> None:
    few = [(100.0, True), (110.0, False)]
    sure, torn = interval(few * 4), interval([*few * 2, (100.0, False), (110.0, True)])
    plain = interval(few)
    assert sure
    assert torn
    assert plain
    assert sure.least > plain.least
    assert sure.most < plain.most
    assert torn.most / torn.least > sure.most / sure.least
    assert 95 < sure.least < 105 < sure.most < 116


@pytest.mark.parametrize("passed", [True, False])
def test_without_a_trial_on_each_side_there_is_none(passed: bool) -> None:
    assert interval([(100.0, passed), (200.0, passed)]) is None
    assert interval([]) is None
