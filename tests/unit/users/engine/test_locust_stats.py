"""Locust's own figures, fed in bulk, are what its per-request logging would have made of the same samples."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.recording.sample import REASON_CODE, SAMPLE, Outcome
from users.cluster.locust_stats import StatsSink, rounded

stats = pytest.importorskip("locust.stats")

TOOLS = ["fast.echo", "notion.search"]
GROUPS = ["users", "innocent"]


def chunk(rows: list[tuple[float, int, int, int]]) -> bytes:
    samples = np.zeros(len(rows), SAMPLE)
    for sample, (seconds, tool, group, outcome) in zip(samples, rows, strict=True):
        sample["planned"], sample["done"], sample["bytes"] = 1.0, 1.0 + seconds, 10
        sample["tool"], sample["group"], sample["outcome"] = tool, group, outcome
        sample["reason"] = REASON_CODE["timeout"] if outcome == Outcome.FAILED else 0
    return samples.tobytes()


def fed(*chunks: bytes) -> Any:
    found = stats.RequestStats()
    sink = StatsSink(found, TOOLS, GROUPS)
    for part in chunks:
        sink(part)
    return found


def test_entries_per_tool_and_group_and_in_total() -> None:
    found = fed(chunk([(0.1, 0, 0, 0), (0.3, 1, 1, 0), (0.2, 1, 1, 1)]), chunk([(0.1, 0, 0, 0)]))
    assert found.get("fast.echo", "users").num_requests == 2
    entry = found.get("notion.search", "innocent")
    assert (entry.num_requests, entry.num_failures) == (2, 1)
    assert found.total.num_requests == 4
    assert found.total.total_content_length == 40
    (error,) = found.errors.values()
    assert (error.error, error.occurrences) == ("timeout", 1)


def test_dropped_arrivals_are_no_requests() -> None:
    assert fed(chunk([(0.1, 0, 0, int(Outcome.DROPPED))])).total.num_requests == 0


@settings(deadline=None)
@given(st.lists(st.floats(0, 120), min_size=1, max_size=50))
def test_the_same_as_one_by_one(seconds: list[float]) -> None:
    bulk = fed(chunk([(value, 0, 0, 0) for value in seconds])).total
    single = stats.RequestStats().total
    for value in seconds:
        single.log((1.0 + value - 1.0) * 1000, 10)
    assert dict(bulk.response_times) == dict(single.response_times)
    assert bulk.num_requests == single.num_requests
    assert bulk.max_response_time == pytest.approx(single.max_response_time)
    assert bulk.min_response_time == pytest.approx(single.min_response_time)


@given(st.lists(st.floats(0, 1e6), min_size=1))
def test_rounding_is_locusts_own(milliseconds: list[float]) -> None:
    expected = [stats.bucket_response_time(value) for value in milliseconds]
    assert rounded(np.array(milliseconds)).tolist() == expected
