"""A limiter's clock that is not ours is measured and taken out; where it cannot be, nothing is said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

from tests.support.limited_calls import Limits, every, fixed, run_of
from verdicts.measure.limits import limiter, promises, users
from verdicts.measure.limits.held import Held
from verdicts.points.point import PointResult
from verdicts.points.registry import POINTS
from verdicts.run.reading import Run
from verdicts.thresholds import Threshold

ONLY_BURST = {"burst_per_s": 5, "ip_per_min": None, "rate_per_min": None}
ONLY_RATE = {"burst_per_s": None, "ip_per_min": None, "rate_per_min": 30}


def held(run: Run) -> Held:
    promise = promises.burst(run)
    assert promise is not None
    return limiter.judge(run, limiter.of(run, limiter.BURST, users.of(run)), promise)


def point(run: Run, id: str = "F1.1") -> PointResult:
    return POINTS[id].results(run, Threshold())[0]


def bursts(folder: Path, decide: Limits, gap: float = 0.05, seconds: float = 5.0) -> Run:
    return run_of(folder, every(gap, seconds), decide, ONLY_BURST)


def dated(run: Run, least: float, most: float) -> Run:
    """The answers' `Date` bound the target's clock at the run's start to `least` and `most` seconds ahead."""
    zero = float(run.manifest.start_wall)
    told = {"target_least": zero + least, "target_most": zero + most}
    ledgers = {name: (*lines[:-1], structs.replace(lines[-1], **told)) for name, lines in run.ledgers.items()}
    return replace(run, ledgers=ledgers)


@pytest.mark.parametrize("ahead", [0.4, -0.3, 0.9, 7.25, -1000.4])
def test_a_clock_that_is_off_breaks_no_promise(tmp_path: Path, ahead: float) -> None:
    found = held(bursts(tmp_path, fixed(5, ahead=ahead)))
    assert found.wrong == 0
    assert abs((found.ahead - ahead + 0.5) % 1 - 0.5) < 0.03
    assert "by the phase of its windows" in found.told


def test_a_clock_that_is_right_is_not_spoken_of(tmp_path: Path) -> None:
    assert held(bursts(tmp_path, fixed(5))) == Held(0, 0)


@pytest.mark.parametrize("limit", [3, 4, 6, 9])
@pytest.mark.parametrize("ahead", [0.0, 0.4])
def test_another_limit_is_found_whatever_the_clock(tmp_path: Path, limit: int, ahead: float) -> None:
    found = held(bursts(tmp_path, fixed(limit, ahead=ahead)))
    assert (found.over > 0, found.under > 0) == (limit > 5, limit < 5)
    assert not found.doubt


def test_no_limit_at_all_is_found_without_a_phase(tmp_path: Path) -> None:
    assert held(bursts(tmp_path, lambda account, now: "")).over > 0


def test_what_only_another_clock_would_explain_is_not_judged(tmp_path: Path) -> None:
    """Seven calls in half a second, over a second's edge of ours; the limiter admits five of them."""
    calls = [(0, 0.75 + 0.07 * n) for n in range(7)]
    run = run_of(tmp_path, calls, fixed(5, ahead=0.5), ONLY_BURST)
    assert held(run).doubt
    found = point(run)
    assert found.status == "info"
    assert "nothing tells the limiter's clock" in found.evidence


def test_two_limiters_of_different_clocks_have_no_phase(tmp_path: Path) -> None:
    ours, theirs = fixed(5), fixed(5, ahead=0.5)
    calls = [*every(0.05, 4), *every(0.05, 4, account=1, start=0.031)]
    run = run_of(tmp_path, calls, lambda who, now: (theirs if who else ours)(who, now), ONLY_BURST)
    assert held(run).wrong > 0


def test_the_date_of_answers_bounds_windows_of_a_minute(tmp_path: Path) -> None:
    """20 s of calls hold no admission after a refusal; by our clock a minute's edge is among them."""
    calls = every(0.4, 20.0, start=50.013)
    decide = fixed(30, 60.0, ahead=20.0, reason="rate_limit_exceeded")
    run = run_of(tmp_path, calls, decide, ONLY_RATE, points=["F1.2"], duration=80.0)
    assert point(run, "F1.2").status == "info"
    known = dated(run, 19.0, 21.0)
    found = point(known, "F1.2")
    assert found.status == "pass", found.evidence
    assert "20.00 s ahead of ours, by the `Date` of its answers" in found.evidence


def test_the_date_tells_which_of_many_turns_it_is(tmp_path: Path) -> None:
    run = dated(bursts(tmp_path, fixed(5, ahead=7.4)), 6.5, 8.5)
    assert held(run).ahead == pytest.approx(7.4, abs=0.03)


def test_the_bundled_stacks_clock_is_ours(tmp_path: Path) -> None:
    """So its windows at another phase are found wanting, not explained."""
    run = bursts(tmp_path, fixed(5, ahead=0.4))
    ours = replace(run, manifest=structs.replace(run.manifest, bundled=True))
    assert held(ours).wrong > 0


def test_a_sliding_window_is_judged_as_one(tmp_path: Path) -> None:
    """Ten calls around a second's edge are right in fixed windows, and in no bucket or sliding one."""
    calls = [(0, 0.8 + 0.03 * n) for n in range(16)]
    limits = {**ONLY_BURST, "burst_per_s": {"most": 5, "window": "sliding"}}
    found = held(run_of(tmp_path, calls, fixed(5), limits))
    assert found.over == 5
