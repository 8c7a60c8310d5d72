"""A token bucket, held against what a client can know."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.limited_calls import HOP, Limits, bucket, every, fixed, run_of
from verdicts.measure.limits import limiter, promises, users
from verdicts.measure.limits.held import Held
from verdicts.points.registry import POINTS
from verdicts.run.reading import Run
from verdicts.thresholds import Threshold

FIVE = {"most": 5, "window": "token-bucket"}
ONLY_BUCKET = {"burst_per_s": FIVE, "ip_per_min": None, "rate_per_min": None}


def held(run: Run) -> Held:
    promise = promises.burst(run)
    assert promise is not None
    return limiter.judge(run, limiter.of(run, limiter.BURST, users.of(run)), promise)


def of(folder: Path, decide: Limits, gap: float = 0.05, seconds: float = 4.0) -> Held:
    return held(run_of(folder, every(gap, seconds), decide, ONLY_BUCKET))


def test_a_bucket_that_is_filled_evenly_is_right(tmp_path: Path) -> None:
    assert of(tmp_path, bucket(5, 5)) == Held(0, 0)


@pytest.mark.parametrize("gap", [0.03, 0.05, 0.199, 0.2])
def test_one_that_is_filled_by_whole_tokens_is_right_too(tmp_path: Path, gap: float) -> None:
    assert of(tmp_path, bucket(5, 5, token=1), gap) == Held(0, 0)


@pytest.mark.parametrize(
    ("decide", "over", "early"),
    [
        (bucket(5, 8), True, False),
        (bucket(8, 5), True, False),
        (bucket(5, 2), False, True),
        (bucket(2, 5), False, True),
        (lambda account, now: "", True, False),
        (lambda account, now: "burst_exceeded", False, True),
    ],
    ids=["too large", "filled too fast", "too small", "filled too slowly", "none", "refuses all"],
)
def test_another_bucket_is_found(tmp_path: Path, decide: Limits, over: bool, early: bool) -> None:
    found = of(tmp_path, decide)
    assert (found.over > 0, found.under > 0) == (over, early)


def test_its_size_may_be_more_than_it_gets_in_a_second(tmp_path: Path) -> None:
    limits = {**ONLY_BUCKET, "burst_per_s": {**FIVE, "size": 20}}
    assert held(run_of(tmp_path / "right", every(0.02, 4), bucket(5, 20), limits)) == Held(0, 0)
    assert held(run_of(tmp_path / "small", every(0.02, 4), bucket(5, 5), limits)).under > 0


def test_the_point_says_what_was_promised(tmp_path: Path) -> None:
    run = run_of(tmp_path, every(0.05, 4), bucket(5, 5), ONLY_BUCKET)
    found = POINTS["F1.1"].results(run, Threshold())[0]
    assert found.status == "pass"
    assert "0 calls admitted beyond a bucket of 5 that gets 5 in 1 s, 0 refused though" in found.evidence
    limits = {**ONLY_BUCKET, "burst_per_s": 5}
    by_the_clock = run_of(tmp_path / "fixed", every(0.05, 4), bucket(5, 5), limits)
    assert POINTS["F1.1"].results(by_the_clock, Threshold())[0].status == "fail"


@settings(max_examples=60, deadline=None)
@given(
    gaps=st.lists(st.floats(2 * HOP, 0.6), min_size=1, max_size=60),
    rate=st.integers(1, 6),
    size=st.integers(1, 9),
    whole=st.sampled_from([0.0, 1.0]),
)
def test_a_right_bucket_is_never_found_wanting(
    tmp_path_factory: pytest.TempPathFactory, gaps: list[float], rate: int, size: int, whole: float
) -> None:
    times = [sum(gaps[: n + 1]) for n in range(len(gaps))]
    limits = {**ONLY_BUCKET, "burst_per_s": {"most": rate, "window": "token-bucket", "size": size}}
    folder = tmp_path_factory.mktemp("run")
    run = run_of(folder, [(0, at) for at in times], bucket(rate, size, token=whole), limits)
    assert held(run) == Held(0, 0)


def test_fixed_windows_are_no_bucket(tmp_path: Path) -> None:
    """Twice the limit around a second's edge."""
    calls = [(0, 0.8 + 0.03 * n) for n in range(16)]
    assert held(run_of(tmp_path, calls, fixed(5), ONLY_BUCKET)).over > 0
