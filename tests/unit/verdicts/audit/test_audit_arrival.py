"""When another tool's run counts: each rule by itself, at its bound."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from verdicts.audit.arrival import AttackPlan, Audit, audit
from verdicts.audit.other_run import OtherRun

CLEAN = OtherRun("a tool", 10_000, closed="it waits")
PLAN = AttackPlan(rate=100, duration_s=100)


def judged(counted: int | None = None, plan: AttackPlan = PLAN, **values: Any) -> Audit:
    return audit(replace(CLEAN, **values), plan, counted)


def test_all_sent_all_answered_is_valid() -> None:
    found = judged()
    assert (found.verdict, found.planned, found.reasons, found.unknown) == ("valid", 10_000, (), ())
    assert judged(10_000).verdict == "valid"


@pytest.mark.parametrize(
    ("sent", "verdict"), [(9_990, "valid"), (9_989, "invalid"), (10_010, "valid"), (10_011, "invalid")]
)
def test_a_thousandth_may_be_missing_or_too_many(sent: int, verdict: str) -> None:
    assert judged(sent=sent).verdict == verdict


def test_of_a_short_run_one_may_fall_on_the_end() -> None:
    assert judged(plan=AttackPlan(count=40), sent=39).verdict == "valid"
    assert judged(plan=AttackPlan(count=40), sent=38).verdict == "invalid"


def test_what_is_missing_is_said_with_the_reason_that_the_tool_has_for_it() -> None:
    [reason] = judged(sent=660).reasons
    assert reason == "660 of 10,000 planned requests left, 9,340 never did (93.40%, allowed 0.1 %): it waits"


@pytest.mark.parametrize(("dropped", "verdict"), [(10, "valid"), (11, "invalid")])
def test_a_thousandth_may_be_dropped_by_the_tool_itself(dropped: int, verdict: str) -> None:
    assert judged(sent=10_000 - dropped, dropped=dropped).verdict == verdict


def test_what_the_tool_dropped_counts_without_a_plan_too() -> None:
    found = judged(plan=AttackPlan(), sent=990, started=990, dropped=14_010)
    assert (found.verdict, found.planned) == ("invalid", 15_000)
    assert found.reasons[0].startswith("the tool itself dropped 14,010 of 15,000 planned iterations (93.40%")


def test_the_little_that_the_tool_dropped_stands_in_for_no_plan() -> None:
    found = judged(plan=AttackPlan(), sent=9_999, started=9_999, dropped=1)
    assert (found.verdict, found.planned, found.reasons) == ("inconclusive", 10_000, ())
    assert "give --rate and --duration" in found.unknown[0]


def test_nobody_told_the_plan() -> None:
    for plan in (AttackPlan(), AttackPlan(rate=100), AttackPlan(duration_s=100)):
        found = judged(plan=plan)
        assert found.verdict == "inconclusive"
        assert "give --rate and --duration" in found.unknown[0]


@pytest.mark.parametrize(
    ("counted", "verdict"), [(9_990, "valid"), (9_989, "invalid"), (10_010, "valid"), (10_011, "invalid")]
)
def test_the_targets_count_must_be_that_of_the_file(counted: int, verdict: str) -> None:
    assert judged(counted).verdict == verdict


def test_the_targets_count_is_of_requests_where_the_plan_is_of_iterations() -> None:
    assert judged(20_000, sent=20_000, started=10_000).verdict == "valid"


def test_a_planned_number_is_of_requests_and_a_rate_of_iterations() -> None:
    plan = AttackPlan(count=20_000)
    found = judged(20_000, plan=plan, sent=20_000, started=10_000)
    assert (found.verdict, found.planned, found.unit) == ("valid", 20_000, "requests")
    [reason] = judged(plan=plan, sent=19_979, started=10_000).reasons
    assert reason.startswith("19,979 of 20,000 planned requests left, 21 never did")
    [reason] = judged(plan=plan, sent=19_976, started=9_988, dropped=12).reasons
    assert reason.startswith("the tool itself dropped 12 of 10,000 planned iterations")
    assert judged(sent=20_000, started=10_000).unit == "iterations"


def test_zero_of_forty() -> None:
    found = judged(40, plan=AttackPlan(), sent=0)
    assert found.verdict == "invalid"
    assert any("40 requests are in none of its figures" in reason for reason in found.reasons)


@pytest.mark.parametrize(("unproved", "verdict"), [(10, "valid"), (11, "inconclusive")])
def test_what_was_not_answered_needs_the_targets_count(unproved: int, verdict: str) -> None:
    assert judged(unproved=unproved).verdict == verdict
    assert judged(10_000, unproved=unproved).verdict == "valid"


def late_by(seconds: float, share: float) -> dict[str, Any]:
    starts = np.arange(10_000) / 100 + 1_000.0
    starts[5_000 : 5_000 + int(share * 10_000)] += seconds
    return {"starts": np.sort(starts)}


@pytest.mark.parametrize(("share", "verdict"), [(0.007, "valid"), (0.02, "invalid")])
def test_a_hundredth_may_be_late(share: float, verdict: str) -> None:
    found = judged(**late_by(0.2, share))
    assert found.verdict == verdict
    assert found.lateness is not None
    assert found.lateness.max_ms == pytest.approx(200, abs=1)


def test_nothing_is_late_that_left_within_50_ms() -> None:
    found = judged(**late_by(0.04, 0.5))
    assert found.lateness is not None
    assert (found.verdict, found.lateness.late) == ("valid", 0)


def test_lateness_that_cannot_be_seen_is_said() -> None:
    assert "lateness cannot be seen" in judged().notes[0]
    assert judged(plan=AttackPlan(count=10_000), **late_by(0.2, 0.5)).lateness is None
    assert judged(sent=9_990, dropped=10, **late_by(0.2, 0.5)).lateness is None


@pytest.mark.parametrize(("length", "verdict"), [(101.0, "valid"), (101.1, "invalid"), (20.0, "valid")])
def test_sending_may_take_a_hundredth_longer(length: float, verdict: str) -> None:
    assert judged(length_s=length).verdict == verdict


def test_a_short_run_may_take_50_ms_longer() -> None:
    assert judged(plan=AttackPlan(10_000, duration_s=2.0), length_s=2.04).verdict == "valid"
    assert judged(plan=AttackPlan(10_000, duration_s=2.0), length_s=2.06).verdict == "invalid"
