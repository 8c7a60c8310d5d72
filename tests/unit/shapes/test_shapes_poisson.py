"""The Poisson process: the same bits everywhere, and the right distribution."""

from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from scipy import stats

from shapes.poisson import _THRESHOLDS, Poisson


def test_the_bits_are_these_on_every_machine() -> None:
    shape = Poisson(500, 60, seed=1)
    assert shape.count == 29830
    assert [shape.offset(i).hex() for i in (0, 1, 29829)] == GOLDEN


GOLDEN = ["0x1.f2e010c45dfc3p-11", "0x1.54dd444a50483p-8", "0x1.dffe730b6447cp+5"]


def test_the_table_is_the_poisson_distribution_function() -> None:
    expected = stats.poisson(1).cdf(np.arange(len(_THRESHOLDS)))
    np.testing.assert_allclose(_THRESHOLDS / 2.0**64, expected, rtol=1e-14)


def test_gaps_are_exponential_and_independent() -> None:
    gaps = np.diff(Poisson(200, 100, seed=7).offsets())
    assert stats.kstest(gaps * 200, "expon").pvalue > 0.01
    assert abs(np.corrcoef(gaps[:-1], gaps[1:])[0, 1]) < 0.03


@pytest.mark.parametrize("expected", [0.3, 3.7, 50.0])
def test_counts_have_the_mean_and_the_variance_of_poisson(expected: float) -> None:
    counts = [Poisson(expected, 1, seed).count for seed in range(2000)]
    assert np.mean(counts) == pytest.approx(expected, rel=0.08)
    assert np.var(counts) == pytest.approx(expected, rel=0.15)


def test_a_longer_run_begins_with_the_shorter_one() -> None:
    short, long = Poisson(50, 10.3, seed=3).offsets(), Poisson(50, 60, seed=3).offsets()
    assert long[: len(short)].tolist() == short.tolist()
    assert long[len(short)] >= 10.3


def test_seeds_differ_and_repeat() -> None:
    assert Poisson(50, 10, seed=1).offsets().tolist() == Poisson(50, 10, seed=1).offsets().tolist()
    assert Poisson(50, 10, seed=1).offset(0) != Poisson(50, 10, seed=2).offset(0)


@pytest.mark.parametrize(("rate", "duration"), [(0, 60), (5, 0), (0, 0), (1e-12, 1), (5e-324, 1e7)])
def test_nothing_to_expect_is_nothing_planned(rate: float, duration: float) -> None:
    shape = Poisson(rate, duration, seed=1)
    assert shape.count == len(shape.offsets()) == 0
    with pytest.raises(IndexError):
        shape.offset(0)


def test_offsets_ascend_within_the_duration_and_equal_each_offset() -> None:
    shape = Poisson(1000, 30, seed=5)
    offsets = shape.offsets()
    assert (np.diff(offsets) >= 0).all()
    assert offsets[0] >= 0
    assert offsets[-1] < 30
    assert [shape.offset(i) for i in range(0, shape.count, 101)] == offsets[::101].tolist()


def test_the_rate_is_the_intensity() -> None:
    shape = Poisson(5, 10, seed=1)
    assert [shape.rate(t) for t in (-1, 0, 9.99, 10)] == [0, 5, 5, 0]


@pytest.mark.parametrize(
    ("rate", "duration", "seed", "message"),
    [
        (-1, 60, 1, "rate must be a number from 0 to 1e+09, not -1"),
        (1, -60, 1, "duration must be a number from 0 to 1e+07, not -60"),
        (1, 60, -1, "seed must be a whole number from 0 to 9223372036854775807, not -1"),
        (1, 60, 2**63, "seed must be a whole number from 0 to 9223372036854775807, not 9223372036854775808"),
        (1, 60, 1.5, "seed must be a whole number from 0 to 9223372036854775807, not 1.5"),
        (1e6, 21, 1, "at most 20,000,000 arrivals can be planned, not 21,000,000"),
    ],
)
def test_what_cannot_be_planned_is_refused(rate: float, duration: float, seed: int, message: str) -> None:
    with pytest.raises(ValueError, match=r"must be|at most") as refused:
        Poisson(rate, duration, seed)
    assert str(refused.value) == message


def test_the_first_and_the_last_seed_are_allowed() -> None:
    assert Poisson(5, 10, 0).count > 0
    assert Poisson(5, 10, 2**63 - 1).count > 0


@pytest.mark.parametrize("i", [-1, 29830])
def test_an_arrival_that_is_not_planned_has_no_offset(i: int) -> None:
    with pytest.raises(IndexError, match=rf"^arrival {i} is not one of the 29830 planned$"):
        Poisson(500, 60, seed=1).offset(i)


def test_what_is_planned_cannot_be_changed() -> None:
    shape = Poisson(5, 10, seed=1)
    with pytest.raises(ValueError, match="read-only"):
        shape.offsets()[0] = 1
    with pytest.raises(FrozenInstanceError):
        shape.seed = 2  # type: ignore[misc]
