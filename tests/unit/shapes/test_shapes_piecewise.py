"""The inverse of the rate's integral against an exact oracle, generated cases, and a million arrivals."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shapes.piecewise import Piecewise, Stage
from tests.support.shapes_oracle import integral, inverse

rates = st.one_of(st.just(0.0), st.floats(0.01, 50), st.integers(0, 50).map(float))
lengths = st.one_of(st.just(0.0), st.floats(0.01, 20), st.integers(1, 20).map(float))


@st.composite
def plans(draw: st.DrawFn) -> Piecewise:
    stages, until = [], 0.0
    for length in draw(st.lists(lengths, min_size=1, max_size=5)):
        until += length
        start = draw(rates)
        stages.append(Stage(until, start, draw(st.one_of(st.just(start), rates))))
    return Piecewise(tuple(stages))


@given(plans())
@settings(max_examples=150, deadline=None)
def test_each_arrival_is_where_the_exact_integral_reaches_its_index(shape: Piecewise) -> None:
    for i in {0, shape.count // 3, shape.count // 2, shape.count - 1} & set(range(shape.count)):
        expected = float(inverse(shape.stages, i))
        reached = float(integral(shape.stages, Fraction(shape.offset(i))))
        assert shape.offset(i) == pytest.approx(expected, rel=1e-6) or reached == pytest.approx(i, abs=1e-6)


@given(plans())
@settings(max_examples=300, deadline=None)
def test_count_is_the_integral_within_one(shape: Piecewise) -> None:
    area = integral(shape.stages, Fraction(shape.duration))
    assert abs(shape.count - area) < 1 + 1e-6


@given(plans())
@settings(max_examples=300, deadline=None)
def test_offsets_never_decrease_and_lie_within_the_duration(shape: Piecewise) -> None:
    offsets = shape.offsets()
    assert len(offsets) == shape.count
    assert (np.diff(offsets) >= 0).all()
    assert ((offsets >= 0) & (offsets < shape.duration)).all()


@given(plans())
@settings(max_examples=100, deadline=None)
def test_one_offset_is_the_same_to_the_last_bit_as_all_at_once(shape: Piecewise) -> None:
    offsets = shape.offsets()
    assert [shape.offset(i) for i in range(0, shape.count, 7)] == offsets[::7].tolist()


@given(plans())
@settings(max_examples=100, deadline=None)
def test_no_arrival_falls_where_the_rate_is_zero(shape: Piecewise) -> None:
    begin = 0.0
    for stage in shape.stages:
        if stage.start == stage.end == 0:
            within = (shape.offsets() > begin) & (shape.offsets() < stage.until)
            assert not within.any()
        begin = stage.until


MILLION = [
    Piecewise((Stage(2000, 500, 500),)),
    Piecewise((Stage(2000, 0, 1000),)),
    Piecewise((Stage(2000, 1000, 0),)),
    Piecewise((Stage(100, 0.3, 7000.7), Stage(101, 0, 0), Stage(333.3, 2801.3, 2799.9))),
    Piecewise((Stage(1e-3, 1e9, 1e9),)),
    Piecewise((Stage(1e7, 0.1, 0.1),)),
]


@pytest.mark.parametrize("shape", MILLION, ids=str)
def test_a_million_arrivals_each_at_its_share_of_the_integral(shape: Piecewise) -> None:
    offsets = shape.offsets()
    assert abs(len(offsets) - 1_000_000) < 40_000
    reached = np.zeros_like(offsets)
    begin = 0.0
    for stage in shape.stages:
        x = np.clip(offsets - begin, 0, stage.until - begin)
        slope = (stage.end - stage.start) / (stage.until - begin)
        reached += x * (stage.start + slope * x / 2)
        begin = stage.until
    np.testing.assert_allclose(reached, np.arange(len(offsets)), rtol=1e-9, atol=1e-5)


@pytest.mark.parametrize("shape", MILLION, ids=str)
def test_the_rate_observed_is_the_rate_planned(shape: Piecewise) -> None:
    offsets = shape.offsets()
    for k in range(10):
        low, high = shape.duration * k / 10, shape.duration * (k + 1) / 10
        seen = np.searchsorted(offsets, [low, high])
        area = integral(shape.stages, Fraction(high)) - integral(shape.stages, Fraction(low))
        assert abs(int(seen[1] - seen[0]) - area) <= 1.001


LAST = math.nextafter(1e7, 0)  # the last instant before 1e7 s


@pytest.mark.parametrize(
    ("stages", "count", "offsets"),
    [
        ((), 0, []),
        ((Stage(0, 5, 5),), 0, []),
        ((Stage(10, 0, 0),), 0, []),
        ((Stage(10, 0.1, 0.1),), 1, [0]),
        ((Stage(30, 0.1, 0.1),), 3, [0, 10, 20]),
        ((Stage(1, 5e-324, 5e-324),), 1, [0]),
        ((Stage(1, 0, 1e-300),), 1, [0]),
        ((Stage(2, 0, 4),), 4, [0, 1, math.sqrt(2), math.sqrt(3)]),
        ((Stage(2, 4, 0),), 4, [0, 2 - math.sqrt(3), 2 - math.sqrt(2), 1]),
        ((Stage(1, 2, 2), Stage(9, 0, 0), Stage(10, 2, 2)), 4, [0, 0.5, 9, 9.5]),
        ((Stage(5, 0, 0), Stage(6, 3, 3)), 3, [5, 5 + 1 / 3, 5 + 2 / 3]),
        ((Stage(1, 3, 3), Stage(1, 0, 9), Stage(2, 1, 1)), 4, [0, 1 / 3, 2 / 3, 1]),
        ((Stage(100, 0.07, 0.07),), 7, [i / 0.07 for i in range(7)]),
        ((Stage(10, 0.7, 0.7), Stage(20, 0, 0), Stage(30, 0.1, 0.1)), 8, [*(i / 0.7 for i in range(7)), 20]),
        ((Stage(LAST, 0, 0), Stage(1e7, 1e9, 1e9)), 1, [LAST]),
        ((Stage(3, 1, 1), Stage(LAST, 0, 0), Stage(1e7, 1e9, 1e9)), 4, [0, 1, 2, LAST]),
        ((Stage(30, 0.1, 0.1), Stage(40, 0, 0), Stage(50, 0.1, 0.1)), 4, [0, 10, 20, 40]),
    ],
)
def test_literal_tables(stages: tuple[Stage, ...], count: int, offsets: list[float]) -> None:
    shape = Piecewise(stages)
    assert shape.count == count
    assert shape.offsets() == pytest.approx(offsets)


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        ((Stage(-1, 1, 1),), "duration must be a number from 0 to 1e+07, not -1"),
        ((Stage(math.nan, 1, 1),), "duration must be a number from 0 to 1e+07, not nan"),
        ((Stage(math.inf, 1, 1),), "duration must be a number from 0 to 1e+07, not inf"),
        ((Stage(1, -1, 1),), "rate must be a number from 0 to 1e+09, not -1"),
        ((Stage(1, 1, -1e-9),), "rate must be a number from 0 to 1e+09, not -1e-09"),
        ((Stage(1, 1, math.inf),), "rate must be a number from 0 to 1e+09, not inf"),
        ((Stage(2, 1, 1), Stage(1, 1, 1)), "a stage ends at 1 s, before it begins at 2 s"),
        ((Stage(20.1, 1e6, 1e6),), "at most 20,000,000 arrivals can be planned, not 20,100,000"),
        ((Stage(1e7, 1e9, 1e9),), "at most 20,000,000 arrivals can be planned, not 10,000,000,000,000,000"),
    ],
)
def test_what_cannot_be_planned_is_refused(stages: tuple[Stage, ...], message: str) -> None:
    with pytest.raises(ValueError, match=r"must be|ends at|at most") as refused:
        Piecewise(stages)
    assert str(refused.value) == message


@pytest.mark.parametrize("i", [-1, 4, 2**63])
def test_an_arrival_that_is_not_planned_has_no_offset(i: int) -> None:
    with pytest.raises(IndexError):
        Piecewise((Stage(2, 4, 0),)).offset(i)


def test_rate_at_a_time() -> None:
    shape = Piecewise((Stage(2, 1, 5), Stage(3, 7, 7), Stage(5, 6, 0)))
    times = [-1e-9, 0, 0.5, 1.5, 2, 2.999, 3, 3.5, 4.9, 5, math.inf]
    assert [shape.rate(t) for t in times] == pytest.approx([0, 1, 2, 4, 7, 7, 6, 4.5, 0.3, 0, 0])
    assert Piecewise(()).rate(0) == 0


def test_a_plan_is_a_value() -> None:
    assert Piecewise((Stage(2, 4, 0),)) == Piecewise((Stage(2.0, 4.0, 0.0),))
    assert len({Piecewise((Stage(2, 4, 0),)), Piecewise((Stage(2.0, 4.0, 0.0),))}) == 1
