from __future__ import annotations

import itertools
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.probing.target_log import TargetLog, increase, read


def line(t: float, source: str = "edge", **values: float) -> dict[str, Any]:
    return {"t": t, "source": source, "up": True, "took_s": 0.01, "values": values}


def log_of(tmp_path: Path, *lines: dict[str, Any]) -> TargetLog:
    path = tmp_path / "target.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in lines))
    return read(path)


def test_a_series_over_time(tmp_path: Path) -> None:
    silent = {"t": 1, "source": "edge", "up": False, "values": {}, "took_s": 2.5}
    log = log_of(tmp_path, line(0, g=1), silent, line(2, g=3))
    t, v = log.series("edge", "g")
    assert t.tolist() == [0, 2]
    assert v.tolist() == [1, 3]
    assert (log.sources["edge"].down.tolist(), log.sources["edge"].waited.tolist()) == ([1], [2.5])


def test_labels_select_and_matching_series_are_added(tmp_path: Path) -> None:
    values = {'r{code="200",path="/"}': 5.0, 'r{code="429",path="/"}': 2.0, 'rr{code="200"}': 9.0}
    log = log_of(tmp_path, {**line(0), "values": values})
    assert log.series("edge", "r")[1].tolist() == [7]
    assert log.series("edge", "r", code="429")[1].tolist() == [2]
    assert log.series("edge", "r", code="500")[1].size == 0
    assert log.series("moon", "r")[1].size == 0


@pytest.mark.parametrize(
    ("source", "counts", "risen"),
    [
        ("edge", [10, 15, 3, 4], 5 + 3 + 1),
        ("edge", [10, None, 12, 13], 12 + 1),  # its process began again, and had not counted any
        ("edge", [10, "failed", 12, 13], 2 + 1),
        ("edge", [10, 15, None], 5),
        ("edge", [None, None, 4, None, 2], 4 + 2),
        ("stack", [10, None, 12, 13], 2 + 1),  # what it tells of others could not be read
        ("stack", [None, 4, None, 6], 4 + 2),
    ],
)
def test_a_counter_that_was_reset_goes_on(
    tmp_path: Path, source: str, counts: list[float | str | None], risen: float
) -> None:
    lines = [line(t, source, g=1.0) for t in range(len(counts))]
    for told, count in zip(lines, counts, strict=True):
        if count == "failed":
            told |= {"up": False, "values": {}}
        elif count is not None:
            told["values"]["c"] = count
    assert log_of(tmp_path, *lines).total(source, "c") == risen


def test_a_counter_that_appears_was_zero_before(tmp_path: Path) -> None:
    log = log_of(tmp_path, line(0), line(1, c=4), line(2, c=6))
    assert log.total("edge", "c") == 6


def test_a_span_is_from_scrape_to_scrape(tmp_path: Path) -> None:
    log = log_of(tmp_path, *(line(t, c=10.0 * t) for t in range(-2, 6)))
    assert log.total("edge", "c", span=(0, 3)) == 30
    assert log.total("edge", "c", span=(0.5, 3.9)) == 30
    assert log.total("edge", "c", span=(-9, 0)) == 20
    assert log.total("edge", "c", span=(7, 9)) == 0


def test_the_sum_over_sources(tmp_path: Path) -> None:
    lines = [
        line(t, name, c=float(t * k))
        for name, k in [("origin-a", 1), ("origin-b", 2), ("edge", 5)]
        for t in (0, 3)
    ]
    log = log_of(tmp_path, *lines)
    assert log.sum("c", "origin-") == 9
    assert log.sum("c") == 24
    assert math.isnan(log.sum("absent"))
    assert math.isnan(log.total("edge", "absent"))


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "target.jsonl"
    path.write_text(json.dumps(line(0, c=1)) + "\n" + json.dumps(line(1, c=2))[:-4])
    assert read(path).series("edge", "c")[0].tolist() == [0]


def test_no_file_has_no_source(tmp_path: Path) -> None:
    assert read(tmp_path / "target.jsonl").sources == {}


@given(st.lists(st.lists(st.integers(0, 1000), min_size=1), min_size=1))
def test_the_increase_is_what_every_life_counted(lives: list[list[int]]) -> None:
    """Each life of a process counts from 0; its last count is seen, and no life begins above it."""
    counts = [np.cumsum(life) for life in lives]
    seen = np.concatenate([[0], *counts]).astype(float)
    restarts_show = all(after[0] < before[-1] for before, after in itertools.pairwise(counts))
    if restarts_show:
        t = np.arange(seen.size, dtype=float)
        assert increase(t, seen) == pytest.approx(sum(life[-1] for life in counts))
