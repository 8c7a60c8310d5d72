from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec import structs

from tests.support.synthetic_run import Samples, Spec, fail, write
from verdicts.judge.judge import Judgement, judge
from verdicts.measure.arrivals import ledger
from verdicts.points.point import AT_500_MAU, Finding, Point, PointResult, point
from verdicts.points.registry import POINTS, QUESTIONS
from verdicts.run.reading import load
from verdicts.thresholds import Threshold

SMALL = Spec(duration=6.0, accounts=20, chances={})


def judged(folder: Path, spec: Spec) -> Judgement:
    return judge(load(write(folder / "run", spec)))


def result(judgement: Judgement, id: str) -> PointResult:
    return next(one for one in judgement.points if one.id == id)


def test_every_question_of_the_plan_is_asked_in_both_languages() -> None:
    assert list(QUESTIONS) == [
        *("P0.1", "P0.2", "P0.3", "P0.4"),
        *(f"P1.{n}" for n in range(1, 12)),
        *(f"P3.{n}" for n in range(1, 7)),
        *("F1.1", "F1.2", "F1.3"),
        *("C1", "C2"),
    ]
    for question in QUESTIONS.values():
        assert question.text("en").endswith("?")
        assert question.text("ja") != question.text("en")
        assert all(question)


def test_the_answers_are_those_of_the_samples(tmp_path: Path) -> None:
    found = judged(tmp_path, replace(SMALL, fault=(2.0, 3.0, "db_error")))
    run = found.run
    took = (run.samples["done"] - run.samples["planned"])[run.samples["outcome"] == 0]
    p95 = float(np.percentile(took, 95, method="inverted_cdf"))
    assert result(found, "P1.7").value == pytest.approx(p95 * 1000, abs=0.001)
    assert result(found, "P1.8").value == pytest.approx(100 * 100 / 600, abs=1e-4)
    assert result(found, "P1.8").status == "fail"
    assert result(found, "P1.8").broken == ("errors is 16.67 % (allowed <= 5 %)",)
    assert result(found, "P1.5").value == 100.0
    assert found.verdict == "fail"
    assert found.exit_code == 1


def test_only_all_that_was_planned_is_a_hundred_percent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = judged(tmp_path, SMALL)
    assert result(found, "arrival").value == 100.0
    total = replace(found.ledger.total, planned=1_000_000, sent=999_999, dropped=1)
    monkeypatch.setattr(ledger, "of", lambda run: replace(found.ledger, total=total))
    (less,) = POINTS["arrival"].results(found.run, Threshold())
    assert less.value == 99.999


def test_refusals_are_no_errors(tmp_path: Path) -> None:
    found = judged(tmp_path, replace(SMALL, fault=(2.0, 3.0, "burst_exceeded")))
    assert result(found, "P1.8").value == 0
    assert result(found, "P1.8").status == "pass"
    assert "burst_exceeded 100" in result(found, "P1.8").evidence
    assert found.exit_code == 0


def test_without_a_successful_call_the_response_time_is_invalid_and_the_run_fails(tmp_path: Path) -> None:
    found = judged(tmp_path, replace(SMALL, fault=(0.0, 6.0, "internal_error")))
    assert result(found, "P1.7").status == "invalid"
    assert result(found, "P1.7").value is None
    assert found.verdict == "fail"


def test_a_threshold_without_samples_never_passes(tmp_path: Path) -> None:
    found = judged(tmp_path, replace(SMALL, fault=(0.0, 6.0, "burst_exceeded")))
    assert result(found, "P1.7").status == "invalid"
    assert found.verdict == "fail"  # nobody was served
    assert found.exit_code == 1


def test_a_run_that_does_not_count_passes_and_fails_nothing(tmp_path: Path) -> None:
    found = judged(tmp_path, replace(SMALL, killed=True))
    assert {one.status for one in found.points} == {"info", "invalid"}
    assert found.exit_code == 3


def test_slow_tools_are_judged_by_what_the_gateway_adds(tmp_path: Path) -> None:
    found = judged(tmp_path, replace(SMALL, service=3.05, upstream=3.0))
    overhead, whole = result(found, "P1.7"), result(found, "P1.7.whole")
    assert isinstance(overhead.value, float)
    assert isinstance(whole.value, float)
    assert overhead.value < whole.value - 2900
    assert overhead.threshold == "p95 <= 2 s"
    assert (whole.status, whole.threshold) == ("info", "")


def test_percentiles_are_those_of_the_judged_groups(tmp_path: Path) -> None:
    def second_group_is_slow(samples: Samples) -> Samples:
        attackers = samples["account"] >= 10
        samples["group"][attackers] = 1
        samples["done"][attackers] += 9.0
        return samples

    groups: dict[str, Any] = {"groups": ["users", "attackers"]}
    run_dir = write(tmp_path / "run", replace(SMALL, change=second_group_is_slow, manifest=groups))
    run = load(run_dir)
    marked = [{**run.scenario["groups"][0]}, {"name": "attackers", "judge": False}]
    run = replace(run, manifest=structs.replace(run.manifest, scenario={**run.scenario, "groups": marked}))
    (finding,) = POINTS["P1.7"].results(run, Threshold.parse("p95 <= 2 s"))
    assert finding.status == "pass"
    assert "of the judged groups" in finding.evidence


def test_what_a_target_does_not_show_is_info_with_the_reason(tmp_path: Path) -> None:
    found = judged(tmp_path, replace(SMALL, bundled=False, probes=False))
    for id in ("P1.5", "P1.5.in-flight", "P1.6.cpu", "P1.6.memory"):
        assert result(found, id).status == "info"
        assert result(found, id).value is None
        assert "Not observed" in result(found, id).evidence
    assert found.exit_code == 0


def test_a_targets_own_metrics_are_measured_on_the_target(tmp_path: Path) -> None:
    found = judged(tmp_path, replace(SMALL, bundled=False))
    memory = result(found, "P1.6.memory")
    assert (memory.basis, memory.subject) == ("measured", "target")
    assert not [one for one in found.points if one.basis == "modelled"]


def test_the_stacks_processes_are_measured_and_its_nano_is_modelled(tmp_path: Path) -> None:
    found = judged(tmp_path, SMALL)
    basis = {one.id: (one.basis, one.subject) for one in found.points}
    assert basis["P1.6.cpu"] == basis["P1.6.memory"] == ("measured", "bundled stack")
    assert basis["P1.6.nano-memory"] == basis["P1.6.nano-cpu"] == ("modelled", "bundled stack")


def test_cpu_is_the_counters_increase_over_the_load(tmp_path: Path) -> None:
    found = judged(tmp_path, SMALL)
    value = result(found, "P1.6.cpu").value
    assert isinstance(value, float)
    assert value == pytest.approx(100 * 0.0008 * 100, rel=0.2)  # 100 req/s of 0.8 ms each


def test_a_compressed_time_stands_at_every_point(tmp_path: Path) -> None:
    found = judged(tmp_path, replace(SMALL, manifest={"time_scale": 60}))
    assert all("60 times as fast" in one.evidence for one in found.points)


@pytest.mark.parametrize("id", ["Q1.1", "P1", "P1.x", "P9.1"])
def test_an_id_that_is_none_of_the_plans_is_refused(id: str) -> None:
    with pytest.raises(ValueError, match=f"point {id}: allowed: P0, P1, .* such as P1.8"):
        point(id, en="?", ja="?", scenario="burst", when=AT_500_MAU)


def test_ids_are_registered_once() -> None:
    with pytest.raises(ValueError, match=r"P1\.7 is registered twice"):
        point("P1.7", en="?", ja="?")(lambda run: Finding.unseen("never"))


def test_a_nan_figure_makes_its_threshold_invalid(tmp_path: Path) -> None:
    run = load(write(tmp_path / "run", SMALL))
    empty = Point("x", QUESTIONS["P1.7"], {"p95": "s"}, lambda _: Finding(None, "", "", {"p95": math.nan}))
    assert [one.status for one in empty.results(run, Threshold.parse("p95 <= 1 s"))] == ["invalid"]
    assert [one.status for one in empty.results(run, Threshold())] == ["info"]


def test_errors_that_never_reached_the_target_leave_the_ledger_whole(tmp_path: Path) -> None:
    def refuse(samples: Samples) -> Samples:
        fail(samples, samples["index"] < 60, "connect")
        return samples

    found = judged(tmp_path, replace(SMALL, change=refuse))
    assert found.validity.valid
    assert result(found, "P1.8").value == 10.0
