"""Were the users served: what counts against it, what does not, and that nothing served is never a pass."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from telemetry.recording.sample import REASON_CODE, Flag, Outcome, of_intent
from tests.support.synthetic_run import Samples, Spec, fail, write
from verdicts.explain import headline
from verdicts.judge.judge import Judgement, judge
from verdicts.points.point import PointResult
from verdicts.run.reading import load


def judged(folder: Path, chances: dict[str, float], **scenario: Any) -> Judgement:
    plain = {"thresholds": {}, "points": ["P1.8"], "expects": ["burst_exceeded"], "service": 0.99}
    spec = Spec(chances=chances, scenario_data={**plain, **scenario})
    return judge(load(write(folder / "run", spec)))


def service(found: Judgement) -> PointResult:
    return next(point for point in found.points if point.id == "service")


@pytest.mark.parametrize(
    ("chances", "status"),
    [
        ({}, "pass"),
        ({"burst_exceeded": 0.3}, "pass"),
        ({"refused": 0.3}, "fail"),  # a 429 without a reason is no limit that anybody promised
        ({"rate_limit_exceeded": 0.3}, "fail"),
        ({"db_error": 0.05}, "fail"),
        ({"timeout": 0.05}, "fail"),
        ({"rpc_error": 0.05}, "fail"),
        ({"connect": 0.05}, "fail"),
        ({"connect": 0.002}, "pass"),
        ({"burst_exceeded": 1.0}, "fail"),
        ({"connect": 1.0}, "fail"),
    ],
)
def test_what_counts_against_the_service(tmp_path: Path, chances: dict[str, float], status: str) -> None:
    found = judged(tmp_path, chances)
    assert service(found).status == status
    assert found.verdict == status


def test_an_unnamed_429_counts_where_no_limit_is_expected(tmp_path: Path) -> None:
    assert service(judged(tmp_path, {"refused": 0.3}, expects=["breaker_open"])).status == "fail"


def test_a_scenario_asks_for_a_service_of_its_own(tmp_path: Path) -> None:
    found = judged(tmp_path, {"db_error": 0.05}, service=0.9)
    assert (service(found).status, service(found).threshold) == ("pass", "success >= 90 %")


def test_a_run_older_than_the_question_is_asked_nothing(tmp_path: Path) -> None:
    found = judged(tmp_path, {"db_error": 0.05}, service=None)
    assert (service(found).status, found.verdict) == ("info", "pass")


@pytest.mark.parametrize("reason", ["connect", "burst_exceeded"])
def test_nothing_served_is_never_a_pass_whatever_was_asked(tmp_path: Path, reason: str) -> None:
    found = judged(tmp_path, {reason: 1.0}, service=None)
    assert (service(found).status, found.verdict) == ("fail", "fail")


def test_calls_of_others_do_not_count(tmp_path: Path) -> None:
    def attackers(samples: Samples) -> Samples:
        samples["group"][::2] = 1
        fail(samples, samples["group"] == 1, "db_error")
        return samples

    spec = Spec(change=attackers, chances={})
    run = load(write(tmp_path / "run", spec))
    groups = [dict(run.scenario["groups"][0]), {**run.scenario["groups"][0], "name": "bad", "judge": False}]
    run.scenario["groups"][:] = groups
    assert service(judge(run)).value == 100


def test_the_error_rate_is_of_all_errors_not_of_5xx_alone(tmp_path: Path) -> None:
    found = judged(tmp_path, {"connect": 0.1}, thresholds={"P1.8": "errors <= 5 %"}, service=None)
    assert next(point for point in found.points if point.id == "P1.8").status == "fail"


def test_calls_that_we_ended_ourselves_do_not_count(tmp_path: Path) -> None:
    def stopped(samples: Samples) -> Samples:
        samples["outcome"][::4], samples["status"][::4] = Outcome.ABORTED, 0
        return samples

    found = service(judge(load(write(tmp_path / "run", Spec(change=stopped, chances={})))))
    assert (found.value, found.evidence) == (100, "900 of 900 calls.")


@pytest.mark.parametrize(
    ("persona", "stopped_at", "value"),
    [("agent", None, 75.0), ("agent", 6.0, 75.0), ("impatient", None, 100.0)],
)
def test_a_call_that_an_agent_gave_up_was_not_served(
    tmp_path: Path, persona: str, stopped_at: float | None, value: float
) -> None:
    """It leaves for want of an answer within its patience; `impatient` leaves whatever it gets."""

    def hung(samples: Samples) -> Samples:
        samples["outcome"][::4], samples["status"][::4] = Outcome.ABORTED, 0
        if stopped_at is not None:  # all that is under way ends with the stop, and is nobody's failure
            late = samples["done"] > stopped_at - 0.5
            samples["outcome"][late], samples["done"][late] = Outcome.ABORTED, stopped_at
        return samples

    why = "completed" if stopped_at is None else "stopped by a signal"
    spec = Spec(change=hung, chances={}, stopped_at=stopped_at, stop_reason=why)
    run = load(write(tmp_path / "run", spec))
    run.scenario["groups"][0]["persona"] = {"name": persona, "options": {"preset": "naive"}}
    found = service(judge(run))
    assert found.value == pytest.approx(value, abs=0.2)
    assert ("given up" in found.evidence) == (value < 100)


def test_forged_tokens_are_nobodys_service(tmp_path: Path) -> None:
    """Also where the scenario marks no group."""

    def refused(samples: Samples) -> Samples:
        samples["group"][::2] = 1
        fail(samples, samples["group"] == 1, "refused")
        return samples

    run = load(
        write(
            tmp_path / "run",
            Spec(
                change=refused,
                chances={},
                manifest={"groups": ["users", "bad"]},
                scenario_data={"expects": []},
            ),
        )
    )
    users = run.scenario["groups"][0]
    persona = {"name": "forger", "options": {"kind": "expired"}}
    run.scenario["groups"][:] = [dict(users), {**users, "name": "bad", "persona": persona}]
    found = judge(run)
    assert service(found).value == 100
    assert "forged-tokens" in {point.id for point in found.points}  # they have an answer of their own


def test_where_no_bound_was_seen_nothing_is_proved(tmp_path: Path) -> None:
    data = {"points": ["P1.6"], "thresholds": {"P1.6": "nano_memory <= 200 MB"}, "service": 0.99}
    spec = Spec(bundled=False, probes=False, chances={}, scenario_data={**data, "expects": []})
    found = judge(load(write(tmp_path / "run", spec)))
    assert (found.verdict, found.exit_code) == ("inconclusive", 3)
    assert found.unseen == ("P1.6 nano_memory <= 200 MB",)


def test_one_bound_that_was_seen_is_enough(tmp_path: Path) -> None:
    thresholds = {"P1.6": "nano_memory <= 200 MB", "P1.8": "errors <= 5 %"}
    data = {"points": ["P1.6", "P1.8"], "thresholds": thresholds, "service": 0.99, "expects": []}
    spec = Spec(bundled=False, probes=False, chances={}, scenario_data=data)
    found = judge(load(write(tmp_path / "run", spec)))
    assert (found.verdict, found.unseen) == ("pass", ("P1.6 nano_memory <= 200 MB",))


@pytest.mark.parametrize(
    ("parts", "verdict"), [({}, "inconclusive"), ({"origin": "real", "nano": "unlimited"}, "pass")]
)
def test_the_bundled_stack_shows_what_its_scenarios_bound(
    tmp_path: Path, parts: dict[str, str], verdict: str
) -> None:
    """A probe that no origin answered is no bound that was held. Real parts tell less, by their settings."""
    thresholds = {"P1.6": "nano_memory <= 200 MB", "P1.8": "errors <= 5 %"}
    data = {"points": ["P1.6", "P1.8"], "thresholds": thresholds, "service": 0.99, "expects": []}
    stack = {"settings": {"parts": parts}, "processes": {}}
    spec = Spec(probes=False, chances={}, scenario_data=data, manifest={"stack": stack})
    found = judge(load(write(tmp_path / "run", spec)))
    assert (found.verdict, found.unseen) == (verdict, ("P1.6 nano_memory <= 200 MB",))
    if parts:
        return
    told = "Nothing is proved: the figure of P1.6 nano_memory <= 200 MB was not seen."
    assert headline.sentence(found) == told


def test_a_broken_service_outweighs_bounds_that_were_not_seen(tmp_path: Path) -> None:
    data = {"points": ["P1.6"], "thresholds": {"P1.6": "nano_memory <= 200 MB"}, "service": 0.99}
    spec = Spec(bundled=False, probes=False, chances={"connect": 0.9}, scenario_data=data)
    assert judge(load(write(tmp_path / "run", spec))).verdict == "fail"


@pytest.mark.parametrize(
    ("attempt", "flags", "status"), [(1, 0, "pass"), (0, 0, "fail"), (1, Flag.RETRY, "fail")]
)
def test_a_tool_that_asked_counts_by_what_became_of_the_answer(
    tmp_path: Path, attempt: int, flags: int, status: str
) -> None:
    def asked(samples: Samples) -> Samples:
        first = samples[samples["index"] % 3 == 0]
        answers = first.copy()
        answers["index"], answers["attempt"] = of_intent(0) - first["index"], attempt
        answers["flags"] = Flag.EXTRA | flags
        samples["outcome"][samples["index"] % 3 == 0] = Outcome.FAILED
        samples["reason"][samples["index"] % 3 == 0] = REASON_CODE["input_required"]
        return np.concatenate([samples, answers])

    data = {"thresholds": {}, "points": ["P1.8"], "service": 0.99}
    found = judge(load(write(tmp_path / "run", Spec(chances={}, change=asked, scenario_data=data))))
    assert service(found).status == status
