"""Batches that may be sent again: no series twice in one, each in its order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from telemetry.delivery.turns import turns


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 99))))
def test_no_batch_has_a_series_twice_and_each_keeps_its_order(points: list[tuple[str, int]]) -> None:
    batches = turns(points, lambda point: point[0])
    for batch in batches:
        assert batch
        assert len({series for series, _ in batch}) == len(batch)
    for series in "abc":
        assert [point for batch in batches for point in batch if point[0] == series] == [
            point for point in points if point[0] == series
        ]


def test_there_are_no_more_batches_than_the_longest_series_has_points() -> None:
    assert turns([("a", 1), ("b", 2), ("a", 3)], lambda point: point[0]) == [[("a", 1), ("b", 2)], [("a", 3)]]
    assert turns([], lambda point: point) == []
