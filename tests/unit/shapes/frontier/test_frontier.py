"""The search for the frontier on a made system whose frontier is known by arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shapes.frontier.bisection import Bracket
from shapes.frontier.search import LENGTH, LOAD, Along, Frontier, FrontierLine, StormPoint, on
from tests.support.made_storm import ComesBack, comes_back, edge

LOADS, LENGTHS = (0.9, 0.6), (20.0, 6.0)


def run(search: Frontier, back: ComesBack, most: int = 200) -> list[tuple[StormPoint, bool]]:
    made: list[tuple[StormPoint, bool]] = []
    while (point := search.next_trial()) is not None and len(made) < most:
        outcome = back(point)
        search.report(point, outcome)
        made.append((point, outcome))
    return made


def enclosed(line: FrontierLine, back: ComesBack) -> bool:
    """The model's own edge lies within the line's bracket."""
    high = max(LOADS) if line.along == LOAD else max(LENGTHS)
    known = edge(0.05, high, lambda value: back(on(line.along, line.at, value)))
    assert line.found.lower is not None
    assert line.found.upper is not None
    return line.found.lower <= known <= line.found.upper


def test_every_line_encloses_the_frontier_and_is_confirmed() -> None:
    search, back = Frontier(LOADS, LENGTHS), comes_back("naive")
    made = run(search, back)
    assert [(line.along, line.at) for line in search.lines] == [
        (LOAD, 20.0), (LENGTH, 0.9), (LOAD, 6.0), (LENGTH, 0.6),
    ]  # fmt: skip
    for line in search.lines:
        assert line.ended
        assert line.found.confirmed
        assert enclosed(line, back)
        assert line.found.upper is not None
        for value in (line.found.lower, line.found.upper):
            assert value is not None
            assert [point for point, _ in made].count(on(line.along, line.at, value)) >= 2
    tried = {point for point, _ in made}
    assert tried.isdisjoint({(0.9, 6.0), (0.6, 20.0)}), "what follows from other lines is not tried"
    middles = sorted(line.middle for line in search.lines if line.middle is not None)
    lengths = [point.length for point in middles]
    assert lengths == sorted(lengths, reverse=True), "more load, shorter triggers"


def test_the_corner_is_first_and_ends_a_search_that_has_no_frontier() -> None:
    for agents in ("no-retries", "polite"):
        search = Frontier(LOADS, LENGTHS)
        made = run(search, comes_back(agents))
        assert made == [(StormPoint(0.9, 20.0), True)] * 2
        [line] = search.lines
        assert (line.found.lower, line.found.upper, line.found.confirmed) == (0.9, None, True)
        assert line.down is None


def test_one_fluke_in_the_corner_of_a_stable_system_is_outvoted() -> None:
    answers = iter([False, True, True, *[True] * 20])
    search = Frontier(LOADS, LENGTHS)
    made = run(search, lambda point: next(answers) if point == (0.9, 20.0) else True)
    assert all(line.found.upper is None for line in search.lines)
    assert [outcome for point, outcome in made if point == (0.9, 20.0)] == [False, True, True]


def test_a_system_that_never_comes_back_is_told_so() -> None:
    search = Frontier(LOADS, LENGTHS)
    run(search, lambda point: False)
    assert all(line.found.lower is None and line.found.confirmed for line in search.lines)
    assert [line.found.upper for line in search.lines] == [0.1, 1.0, 0.1, 1.0]


def test_a_line_whose_far_end_may_hold_is_tried_there_first() -> None:
    search = Frontier(LOADS, LENGTHS)
    made = run(search, lambda point: point.length <= 10)
    assert [point for point, _ in made if point.length == 6.0] == [StormPoint(0.9, 6.0)] * 2


def test_a_line_says_what_it_knows_while_it_goes_on() -> None:
    search = Frontier(LOADS, LENGTHS)
    for outcome in (False, True):
        point = search.next_trial()
        assert point is not None
        search.report(point, outcome)
    assert search.lines == [FrontierLine(LOAD, 20.0, Bracket(0.3, 0.9, confirmed=False), ended=False)]


@pytest.mark.parametrize(
    ("along", "at", "down", "middle"),
    [(LOAD, 20.0, (0.9, 20.0), (0.6, 20.0)), (LENGTH, 0.5, (0.5, 0.9), (0.5, 0.6))],
)
def test_a_line_gives_its_points_along_its_own_axis(
    along: Along, at: float, down: tuple[float, float], middle: tuple[float, float]
) -> None:
    line = FrontierLine(along, at, Bracket(0.4, 0.9, confirmed=True), ended=True)
    assert line.down == down
    assert line.middle == pytest.approx(middle)
    nowhere = replace(line, found=Bracket(0.9, None, confirmed=True))
    assert (nowhere.down, nowhere.middle) == (None, None)


def test_a_wider_tolerance_ends_each_line_earlier() -> None:
    made = {}
    for tolerance in (0.1, 0.5):
        search = Frontier(LOADS, LENGTHS, tolerance=tolerance)
        made[tolerance] = len(run(search, comes_back("naive")))
        for line in search.lines:
            assert line.found.lower is not None
            assert line.found.upper is not None
            assert line.found.upper / line.found.lower <= 1 + tolerance + 1e-9
    assert made[0.5] < made[0.1]


@given(st.integers(0, 10**6), st.integers(0, 10**6))
@settings(max_examples=40, deadline=None)
def test_two_searches_with_noise_agree_within_the_tolerance_and_the_noise(one: int, other: int) -> None:
    found = []
    for seed in (one, other):
        search = Frontier(LOADS, LENGTHS)
        run(search, comes_back("naive", noise=0.01, seed=seed))
        found.append([line.found.middle for line in search.lines])
    for mine, theirs in zip(*found, strict=True):
        assert mine is not None
        assert theirs is not None
        assert mine == pytest.approx(theirs, rel=0.2)


@cache
def uninterrupted() -> tuple[Frontier, list[tuple[StormPoint, bool]]]:
    search = Frontier(LOADS, LENGTHS)
    return search, run(search, comes_back("naive"))


@given(st.integers(0, 40))
@settings(max_examples=40, deadline=None)
def test_a_search_is_carried_on_without_trying_anything_twice_as_often(cut: int) -> None:
    back = comes_back("naive")
    whole, everything = uninterrupted()
    first = run(Frontier(LOADS, LENGTHS), back, most=cut)
    second = Frontier(LOADS, LENGTHS, known=first)
    rest = run(second, back)
    assert first + rest == everything
    assert second.lines == whole.lines


def test_other_lines_take_what_is_known() -> None:
    back = comes_back("naive")
    known = run(Frontier(LOADS, LENGTHS), back)
    more = Frontier((*LOADS, 0.75), LENGTHS, known=known)
    rest = run(more, back)
    assert {point.load for point, _ in rest} == {0.75}
    assert len(more.lines) == 5


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Frontier((), (20.0,)), "a frontier needs a load and a length"),
        (lambda: Frontier((0.9,), ()), "a frontier needs a load and a length"),
        (lambda: Frontier((1.5,), (20.0,)), "load must be a number from 0.1 to 1, not 1.5"),
        (lambda: Frontier((0.09,), (20.0,)), "load must be a number from 0.1 to 1, not 0.09"),
        (lambda: Frontier((0.9,), (0.5,)), "length must be a number from 1 to 10000, not 0.5"),
        (lambda: Frontier((0.9,), (10_001,)), "length must be a number from 1 to 10000, not 10001"),
        (
            lambda: Frontier((0.9,), (20.0,), tolerance=0.01),
            "tolerance must be a number from 0.02 to 1, not 0.01",
        ),
        (
            lambda: Frontier((0.9,), (20.0,), tolerance=1.1),
            "tolerance must be a number from 0.02 to 1, not 1.1",
        ),
        (
            lambda: Frontier((0.9,), (20.0,)).report(StormPoint(0.5, 20.0), True),
            "a trial at (0.5, 20.0) was reported; expected: StormPoint(load=0.9, length=20.0)",
        ),
    ],
)
def test_what_is_refused(make: Callable[[], object], says: str) -> None:
    with pytest.raises(ValueError, match=r"must be|needs|reported") as refused:
        make()
    assert str(refused.value) == says


@pytest.mark.parametrize("tolerance", [0.02, 1])
def test_the_bounds_themselves_are_allowed(tolerance: float) -> None:
    search = Frontier((0.1, 1), (1, 10_000), tolerance=tolerance)
    assert (search.loads, search.lengths, search.tolerance) == ([1, 0.1], [10_000, 1], tolerance)
    assert search.next_trial() == StormPoint(1, 10_000)
