"""An exact limiter is never found wanting, however calls fall; one that lets another through always is."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.recording.sample import REASON_CODE, SAMPLE, Outcome
from tests.support.manifest import manifest
from verdicts.measure.limits import windows
from verdicts.measure.limits.promises import Promise
from verdicts.run.reading import Run

ZERO = 1764000000.25
gaps = st.lists(st.tuples(st.floats(0, 0.4), st.floats(0, 0.3), st.floats(0, 1)), min_size=1, max_size=60)


def run_of(calls: list[tuple[float, float, float]], limit: int, width: float) -> tuple[Run, Any, Any]:
    """(gap before, seconds on the way, where on the way it was at the limiter) for each call."""
    samples = np.zeros(len(calls), SAMPLE)
    samples["sent"] = np.cumsum([gap for gap, _, _ in calls])
    samples["done"] = samples["sent"] + [took for _, took, _ in calls]
    samples["upstream_s"], samples["status"] = np.nan, 200
    at = ZERO + samples["sent"] + [took * where for _, took, where in calls]
    seen: Counter[int] = Counter()
    for one in np.argsort(at, kind="stable"):
        window = math.floor(at[one] / width)
        seen[window] += 1
        if seen[window] > limit:
            samples["outcome"][one], samples["reason"][one] = Outcome.FAILED, REASON_CODE["burst_exceeded"]
    about = manifest(start_wall=ZERO)
    run = cast(Run, SimpleNamespace(samples=samples, manifest=about))
    return run, np.ones(len(calls), np.bool_), samples["outcome"] == Outcome.OK


@given(gaps, st.integers(1, 6), st.sampled_from([1.0, 2.5, 60 / 7]))
def test_an_exact_limiter_is_never_over_nor_under(
    calls: list[tuple[float, float, float]], limit: int, width: float
) -> None:
    run, every, admitted = run_of(calls, limit, width)
    found = list(windows.count(run, every, admitted, width))
    assert not any(one.over(limit) or one.under(limit) for one in found)


@given(st.integers(1, 6), st.integers(1, 5))
def test_one_more_in_a_window_is_over_and_one_less_is_under(limit: int, width: int) -> None:
    calls = [(0.8, 0.001, 0.5), *[(0.001, 0.001, 0.5)] * (limit + 3)]
    more, every, admitted = run_of(calls, limit + 1, width)
    assert any(one.over(limit) for one in windows.count(more, every, admitted, width))
    less, every, admitted = run_of(calls, limit - 1, width)
    assert any(one.under(limit) for one in windows.count(less, every, admitted, width))


def test_a_call_without_an_answer_may_have_been_admitted() -> None:
    run, every, admitted = run_of([(0.8, 0.001, 0.5)] + [(0.001, 0.001, 0.5)] * 4, 4, 1.0)
    cast(Any, run.samples)["status"][4] = 0
    (window,) = windows.count(run, every, admitted, 1.0)
    assert (window.admitted_least, window.admitted_most) == (4, 5)


@pytest.mark.parametrize(
    ("earliest", "latest", "expected"),
    [
        (100.0, 100.001, (20.0, 20.0)),
        (110.4, 110.6, (10.0, 10.0)),
        (110.9, 111.1, (9.0, 10.0)),
        (119.9995, 119.9999, (1.0, 1.0)),
        (119.9, 120.1, (1.0, 60.0)),
    ],
)
def test_the_right_wait(earliest: float, latest: float, expected: tuple[float, float]) -> None:
    least, most = windows.waits(windows.Spans(np.array([earliest]), np.array([latest])), 60.0)
    assert (least[0], most[0]) == expected


@pytest.mark.parametrize(
    ("offered", "least", "most", "ours", "known"),
    [
        (10, 10, 10, 0, True),
        (10, 9, 13, 0, True),
        (10, 9, 14, 0, False),  # a limiter of 14 would not be found
        (10, 6, 10, 0, True),
        (10, 5, 10, 0, False),  # one of 5 would not
        (9, 9, 9, 0, False),  # nobody reached it
        (10, 7, 7, 4, True),
        (10, 7, 7, 5, False),
        (10, 10, 10, 60, True),  # all of it was the load's, so it counted none of ours
    ],
)
def test_a_window_is_known_where_a_limiter_far_off_would_be_found(
    offered: int, least: int, most: int, ours: int, known: bool
) -> None:
    assert windows.Window(0.0, offered, least, least, most, ours).known(10) == known


def test_judged_names_busy_over_and_under(tmp_path: Path) -> None:
    found = [windows.Window(n, 9, count, count, count) for n, count in enumerate((5, 6, 4))]
    found += [windows.Window(3, 2, 2, 2, 2)]
    busy, over, under = windows.judged(found, Promise(5, 1.0))
    assert (len(busy), over, under) == (3, 1, 1)
