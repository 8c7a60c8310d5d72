"""Counters made of seconds: they begin at zero, never fall, never change once told, and end at the sum."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from telemetry.points.aggregate import WorkerSeconds
from telemetry.points.point import DataPoint, RunPoints
from telemetry.points.so_far import SoFar
from telemetry.points.whole_run import BUCKETS, WholeRun
from telemetry.recording.sample import REASONS
from tests.support.manifest import manifest
from tests.support.samples import sample

POINTS = RunPoints(manifest(start_wall=0.0))
Told = list[tuple[float, str, float]]


def told(sums: SoFar[str], mark: float) -> Told:
    return [(t, key, float(row[0])) for t, key, row in sums.closed(mark)]


def add(sums: SoFar[str], second: int, key: str, count: float) -> None:
    sums.add(second, key, np.array([count]))


def test_a_counter_begins_at_zero_and_is_told_each_second() -> None:
    sums = SoFar[str]()
    add(sums, 3, "a", 5)
    assert told(sums, 3.9) == []
    assert told(sums, 4.0) == [(3, "a", 0), (4, "a", 5)]
    add(sums, 4, "b", 1)
    assert told(sums, 5.0) == [(5, "a", 5), (4, "b", 0), (5, "b", 1)]


def test_what_comes_late_counts_in_the_next_second() -> None:
    sums = SoFar[str]()
    add(sums, 3, "a", 5)
    told(sums, 4.0)
    add(sums, 1, "a", 2)
    assert told(sums, 4.0) == []
    add(sums, 5, "a", 1)
    assert told(sums, 6.0) == [(6, "a", 8)]


def test_what_comes_late_and_last_is_told_at_the_end() -> None:
    sums = SoFar[str]()
    add(sums, 3, "a", 5)
    told(sums, 4.0)
    add(sums, 3, "a", 2)
    assert told(sums, 5.0) == []
    assert told(sums, math.inf) == [(5, "a", 7)]
    assert told(sums, math.inf) == []


@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from("ab"), st.integers(1, 9)), max_size=30))
def test_however_seconds_come_a_counter_rises_to_the_sum(
    parts: list[tuple[int, str, int]],
) -> None:
    sums, found = SoFar[str](), list[tuple[float, str, float]]()
    for number, (second, key, count) in enumerate(parts):
        add(sums, second, key, count)
        found += told(sums, number / 3)
    found += told(sums, math.inf)
    for key in {key for _, key, _ in parts}:
        mine = [(t, value) for t, name, value in found if name == key]
        assert mine == sorted(mine)
        assert len({t for t, _ in mine}) == len(mine)
        assert mine[0][1] == 0
        assert mine[-1][1] == sum(count for _, name, count in parts if name == key)


def counters(points: list[DataPoint], measurement: str) -> list[DataPoint]:
    return [point for point in points if point.measurement == measurement]


def test_a_workers_calls_since_the_start() -> None:
    worker = WorkerSeconds("w0", ["fast.echo"], REASONS)
    worker.feed(np.concatenate([sample(0.1), sample(0.9), sample(1.5)]))
    zero, first, second = counters(list(worker.closed(POINTS, 2.0)), "requests_so_far")
    assert [point.fields["count"] for point in (zero, first, second)] == [0, 2, 3]
    assert [point.time_ns // 10**9 for point in (zero, first, second)] == [0, 1, 2]
    assert first.tags["worker"] == "w0"


def test_the_whole_runs_calls_by_response_time() -> None:
    run = WholeRun()
    run.feed(np.concatenate([sample(0.1, planned=0.0), sample(0.9, planned=0.0)]))
    zero, first = counters(list(run.closed(POINTS, [1.0])), "run_so_far")
    assert set(zero.fields.values()) == {0}
    assert (first.fields["calls"], first.fields["count"], first.fields["sum_ms"]) == (2, 2, 1000.0)
    found = [first.fields[f"le_{bound:g}"] for bound in BUCKETS]
    assert found == [0 if bound < 0.1 else 1 if bound < 0.9 else 2 for bound in BUCKETS]


def test_a_sample_after_the_last_second_is_told_at_the_end() -> None:
    run = WholeRun()
    run.feed(sample(0.5))
    list(run.closed(POINTS, [1.0]))
    run.feed(sample(0.6))
    assert list(run.closed(POINTS, [1.0])) == []
    (last,) = run.closed(POINTS, [math.inf])
    assert (last.fields["calls"], last.time_ns) == (2, 2 * 10**9)
