"""Constant, ramp, spike, step and stages: literal tables with zero, negative and huge inputs."""

from collections.abc import Callable

import numpy as np
import pytest

from shapes.constant import constant
from shapes.piecewise import Piecewise, Stage
from shapes.ramp import ramp
from shapes.spike import spike
from shapes.stages import stages
from shapes.step import step
from shapes.waves import waves


@pytest.mark.parametrize(
    ("shape", "count", "first", "last"),
    [
        (constant(500, 60), 30_000, 0, 59.998),
        (constant(0, 60), 0, None, None),
        (constant(5, 0), 0, None, None),
        (constant(1e-9, 60), 1, 0, 0),
        (constant(1e6, 20), 20_000_000, 0, 20 - 1e-6),
        (constant(3, 0.5), 2, 0, 1 / 3),
        (ramp(0, 500, 60), 15_000, 0, 59.998),
        (ramp(500, 0, 60), 15_000, 0, 60 - np.sqrt(2 / (500 / 60))),
        (ramp(5, 5, 2), 10, 0, 1.8),
        (ramp(0, 0, 60), 0, None, None),
        (spike(1, 10, at=4, length=2, duration=10), 28, 0, 9),
        (spike(0, 10, at=4, length=2, duration=10), 20, 4, 5.9),
        (spike(0, 10, at=8, length=9, duration=10), 20, 8, 9.9),
        (spike(0, 10, at=10, length=1, duration=10), 0, None, None),
        (spike(1, 10, at=4, length=0, duration=10), 10, 0, 9),
        (step(1, 3, 3, 6), 12, 0, 4 + 5 / 3),
        (step(2, 9, 1, 6), 12, 0, 5.5),
        (waves(2, 3, 4, 15), 14, 0, 14.5),
        (waves(2, 3, 4, 14), 12, 0, 9.5),
        (waves(2, 3, 0, 4), 8, 0, 3.5),
        (waves(2, 0, 3, 4), 0, None, None),
        (waves(2, 9, 9, 4), 8, 0, 3.5),
        (waves(2, 3, 4, 0), 0, None, None),
        (stages([(2, 1, 1), (2, 0, 4)], 4), 6, 0, 2 + np.sqrt(3)),
        (stages([(2, 1, 1), (2, 0, 4)], 3), 3, 0, 2),
        (stages([(2, 1, 1)], 2), 2, 0, 1),
        (stages([], 0), 0, None, None),
        (stages([(3, 4, 4)], 0), 0, None, None),
        (stages([(0, 4, 8), (1, 2, 2)], 1), 2, 0, 0.5),
        (stages([(0.1, 10, 10)] * 10, 1), 10, 0, 0.9),
    ],
)
def test_count_first_and_last(shape: Piecewise, count: int, first: float | None, last: float | None) -> None:
    assert shape.count == count
    if count:
        assert (shape.offset(0), shape.offset(count - 1)) == pytest.approx((first, last))


def test_a_constant_rate_is_evenly_spaced_to_the_last_bit() -> None:
    assert constant(3.3, 1000).offsets().tolist() == [i / 3.3 for i in range(3300)]


def test_the_spike_is_where_it_was_asked_for() -> None:
    shape = spike(1, 100, at=4, length=2, duration=10)
    assert [shape.rate(t) for t in (0, 3.99, 4, 5.99, 6, 9.99)] == [1, 1, 100, 100, 1, 1]


def test_each_step_is_as_long_as_the_others() -> None:
    shape = step(10, 40, 4, 8)
    assert np.bincount((shape.offsets() // 2).astype(int)).tolist() == [20, 40, 60, 80]


def test_what_has_no_time_left_is_no_stage_and_what_lasts_no_time_changes_nothing() -> None:
    assert stages([(2, 1, 1), (3, 4, 4)], 2) == constant(1, 2)
    assert stages([(3, 4, 4)], 0).stages == ()
    assert stages([(0, 5, 1), (1, 2, 2)], 1).offsets().tolist() == [0, 0.5]


def test_two_steps_are_the_first_rate_and_the_last_and_the_last_ends_with_the_run() -> None:
    assert step(10, 40, 2, 4).stages == (Stage(2, 10, 10), Stage(4, 40, 40))
    assert step(1, 1, 3, 0.1).duration == 0.1


def test_waves_are_as_many_as_fit_and_a_rest_that_lasts_no_time_is_no_stage() -> None:
    assert waves(4, 0.25, 0.25, 2).offsets().tolist() == [0, 0.5, 1, 1.5]
    assert waves(2, 3, 0, 4).stages == (Stage(3, 2, 2), Stage(4, 2, 2))


def test_a_linear_stage_is_cut_on_its_line() -> None:
    assert stages([(10, 0, 10)], 5).rate(4.999) == pytest.approx(4.999)
    assert stages([(10, 0, 10)], 5) == ramp(0, 5, 5)


SECONDS, RATE = "must be a number from 0 to 1e+07", "rate must be a number from 0 to 1e+09"
SHORT = "the stages last 1 s in all, and must last at least the run's"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: constant(-1, 60), f"{RATE}, not -1"),
        (lambda: constant(1, -60), f"duration {SECONDS}, not -60"),
        (lambda: constant(1e6, 20.1), "at most 20,000,000 arrivals can be planned, not 20,100,000"),
        (lambda: ramp(-1, 5, 60), f"{RATE}, not -1"),
        (lambda: ramp(1, float("nan"), 60), f"{RATE}, not nan"),
        (lambda: spike(1, 2, at=-1, length=1, duration=10), "at must be a number from 0 to 10, not -1"),
        (lambda: spike(1, 2, at=11, length=1, duration=10), "at must be a number from 0 to 10, not 11"),
        (lambda: spike(1, 2, at=1, length=-1, duration=10), f"length {SECONDS}, not -1"),
        (lambda: step(1, 2, 0, 10), "steps must be a whole number from 1 to 1000, not 0"),
        (lambda: step(1, 2, 1001, 10), "steps must be a whole number from 1 to 1000, not 1001"),
        (lambda: stages([(-1, 1, 1)], 10), f"seconds {SECONDS}, not -1"),
        (lambda: stages([(1, -1, 1)], 10), f"{SHORT} 10 s"),
        (lambda: stages([(1, -1, 1)], 1), f"{RATE}, not -1"),
        (lambda: stages([(1, 1, 1)], -10), f"duration {SECONDS}, not -10"),
        (lambda: stages([(1, 1, 1)], 2), f"{SHORT} 2 s"),
        (
            lambda: stages([(0.25, 0, 0), (0.75, 1, 1)], 60),
            f"{SHORT} 60 s",
        ),
        (lambda: stages([], 2), "the stages last 0 s in all, and must last at least the run's 2 s"),
        (lambda: waves(1, -1, 1, 10), f"length {SECONDS}, not -1"),
        (lambda: waves(1, 1, -1, 10), f"rest {SECONDS}, not -1"),
        (lambda: waves(1, 1, 1, -10), f"duration {SECONDS}, not -10"),
        (lambda: waves(1, 0.5, 0.5, 1000.1), "more than 1,000 waves, allowed: as many at most"),
    ],
)
def test_what_cannot_be_planned_is_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=r"must be a|must last at least|at most") as refused:
        make()
    assert str(refused.value) == message


def test_a_thousand_waves_are_allowed() -> None:
    assert len(waves(1, 0.5, 0.5, 1000).stages) == 2000
    assert len(step(1, 2, 1000, 10).stages) == 1000
