"""Where a series changed: how rarely nothing is taken for a change, how soon a step is found, and where."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from verdicts.compare.change_points import SETTLED, changes, level, settled, worsened
from verdicts.compare.statistics import Values

STEP = 1.05
BEFORE = 30


def stepped(random: np.random.Generator, noise: float, step: float, after: int) -> Values:
    values = np.exp(noise * random.normal(size=BEFORE + after))
    values[BEFORE:] *= step
    return values


@pytest.mark.parametrize("noise", [0.005, 0.01, 0.02, 0.1])
def test_of_500_series_that_never_change_one_at_most_shows_a_change_ever(noise: float) -> None:
    """Each of 50 runs, looked at with each run as it was made."""
    random = np.random.default_rng(2)
    series = np.exp(noise * random.normal(size=(500, 50)))
    assert sum(bool(changes(one, "ratio")) for one in series) <= 1


@pytest.mark.parametrize("step", [STEP, 1 / STEP])
def test_a_step_of_5_percent_is_found_within_3_runs_and_in_its_place(step: float) -> None:
    """At a noise of 1 % between runs."""
    random, found, placed = np.random.default_rng(3), 0, 0
    for _ in range(200):
        values = stepped(random, 0.01, step, 8)
        found += any(BEFORE < one.seen <= BEFORE + 3 for one in changes(values, "ratio"))
        placed += [one.at for one in changes(values, "ratio")] == [BEFORE]
    print(f"found within 3: {found} of 200; in its place: {placed}")
    assert found >= 190
    assert placed >= 190


def test_at_2_percent_noise_it_takes_some_runs_more() -> None:
    random = np.random.default_rng(4)
    found = sum(bool(changes(stepped(random, 0.02, STEP, 12), "ratio")) for _ in range(200))
    assert found >= 150


def test_what_is_said_of_a_change() -> None:
    values = [1.0, 1.01, 0.99, 1.0, 1.01, 0.99, 1.0, 1.01, 0.99, 1.0, 1.2, 1.21, 1.19]
    [one] = changes(values, "ratio")
    assert (one.at, one.seen) == (10, 13)
    assert one.before == pytest.approx(1.0, rel=1e-3)
    assert one.after == pytest.approx(1.2, rel=1e-3)
    assert one.relative == pytest.approx(0.2, abs=2e-3)
    assert changes(values[:12], "ratio") == []  # two runs are not yet a level


def test_up_and_back_are_two_changes() -> None:
    random = np.random.default_rng(5)
    values = np.exp(0.005 * random.normal(size=26))
    values[15:20] *= 1.1
    assert [one.at for one in changes(values, "ratio")] == [15, 20]


@pytest.mark.parametrize("wild", [[15], [15, 16], [12, 20], [24], [23, 24]])
def test_runs_that_something_disturbed_are_no_level(wild: Sequence[int]) -> None:
    random = np.random.default_rng(6)
    values = np.exp(0.01 * random.normal(size=25))
    values[list(wild)] *= 1.5
    assert changes(values, "ratio") == []


@pytest.mark.parametrize("then", [[], [95.0], [95.0, 95.2], [130.0], [200.0]])
@pytest.mark.parametrize("last", [[], [106.2]])
def test_a_wild_run_or_two_move_no_change_that_is_known(then: Sequence[float], last: Sequence[float]) -> None:
    level = [100.0, 100.6, 99.4, 100.2, 99.8, 100.4, 99.6, 100.1, 99.9, 100.5, 99.5, 100.0]
    values = [*level, 106.0, 106.5, 105.8, *then, *last]
    assert [(one.at, one.seen) for one in changes(values, "ratio")] == [(12, 15)]
    assert list(settled(values, "ratio", "lower")) == level
    assert (worsened(values, "ratio", "lower") is not None) == (values[-1] > 100)


def test_few_runs_show_nothing() -> None:
    assert changes([], "ratio") == []
    assert changes([1.0] * 7 + [2.0] * 3, "ratio") == []
    assert [one.at for one in changes([1.0] * 8 + [2.0] * 3, "ratio")] == [8]


def test_what_never_varied_changes_as_soon_as_three_runs_say_so() -> None:
    assert [(one.at, one.seen) for one in changes([5.0] * 12 + [4.0] * 3, "ratio")] == [(12, 15)]
    assert changes([5.0] * 30, "ratio") == []


def test_a_certain_difference_that_is_small_is_none() -> None:
    random = np.random.default_rng(7)
    values = np.exp(0.0005 * random.normal(size=40))
    values[20:] *= 1.015
    assert changes(values, "ratio") == []
    values[20:] *= 1.01
    assert [one.at for one in changes(values, "ratio")] == [20]


def test_shares_change_by_points() -> None:
    assert changes([1.0] * 20 + [0.9995] * 20, "share") == []
    [one] = changes([1.0] * 20 + [0.998] * 3, "share")
    assert one.at == 20
    assert one.after == pytest.approx(0.998)


def test_values_from_0_are_taken_as_they_are() -> None:
    [one] = changes([0.0] * 10 + [4.0] * 3, "ratio")
    assert (one.before, one.after, one.relative) == (0.0, 4.0, float("inf"))
    assert level([0.0, 4.0], "ratio") == 2.0
    assert level([1.0, 4.0], "ratio") == pytest.approx(2.0)


def worse(after: Sequence[float]) -> bool:
    return worsened([*[1.0, 1.01, 0.99] * 5, *after], "ratio", "lower") is not None


def test_a_level_is_worse_for_as_long_as_it_is_new_and_the_run_is_of_it() -> None:
    assert not worse([1.2, 1.2])
    assert worse([1.2, 1.2, 1.2])
    assert worse([1.2] * SETTLED)
    assert not worse([1.2] * (SETTLED + 1))
    assert not worse([1.2, 1.2, 1.2, 1.0])  # mended
    assert not worse([0.8, 0.8, 0.8])
    assert worsened([1.0] * 15 + [0.8] * 3, "ratio", "higher") is not None


def test_what_one_more_run_is_held_against() -> None:
    before = [1.0, 1.01, 0.99] * 5
    assert list(settled(before, "ratio", "lower")) == before
    assert list(settled([*before, 1.2, 1.2, 1.2], "ratio", "lower")) == before
    assert list(settled([*before, 0.8, 0.8, 0.8], "ratio", "lower")) == [0.8] * 3
    assert list(settled([*before, *[1.2] * SETTLED], "ratio", "lower")) == [1.2] * SETTLED
