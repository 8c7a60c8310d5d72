"""A breakpoint foretold by the trials below it."""

from __future__ import annotations

from typing import Any

import pytest

from verdicts.breakpoint.prediction import CPU, MEMORY, predict
from verdicts.breakpoint.trial import TrialOutcome


def trial(rate: float, passed: bool = True, **told: Any) -> TrialOutcome:
    """One of 30 second calls, of which the instance holds 6,000."""
    known = {"in_flight": round(30 * rate), "calls_limit": 6000, **told}
    return TrialOutcome(rate, "pass" if passed else "fail", **known)


def test_memory_by_the_calls_in_flight() -> None:
    found = predict([trial(100), trial(150), trial(190), trial(210, passed=False)], 190)
    assert found is not None
    assert found.rate == pytest.approx(200)
    assert (found.by, str(found)) == (MEMORY, "200 (calls in flight)")


def test_cpu_where_that_is_full_first() -> None:
    found = predict([trial(50, nano_cpu=0.5), trial(80, nano_cpu=0.8)], 80)
    assert found is not None
    assert found.rate == pytest.approx(100), "by the trial below"
    assert found.by == CPU


def test_a_breakpoint_without_a_trial_below_is_held_against_itself() -> None:
    found = predict([trial(200), trial(210, passed=False)], 200)
    assert found is not None
    assert found.rate == pytest.approx(200)
    assert found.by == MEMORY


def test_what_told_nothing_foretells_nothing() -> None:
    assert predict([], None) is None
    assert predict([trial(10, passed=False)], None) is None
    assert predict([trial(10, calls_limit=None)], 10) is None
    assert predict([trial(10, in_flight=None)], 10) is None
