"""Answers that a careful reader accepts: the limit and not the load, real seconds, demand told from use."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from fakes.database.connection_limit import fatal
from fakes.database.handed_over import HandedOver
from telemetry.recording.sample import REASONS
from tests.support.p0_runs import asked, judged, result
from tests.support.synthetic_run import Samples, Spec, fail, write
from tests.unit.verdicts.points.test_phase1_health import answer, told
from tests.unit.verdicts.points.test_verdict_db_pool import SPEC, failing, point, run_with
from verdicts.explain import first_break
from verdicts.judge.judge import judge
from verdicts.language.words import Say
from verdicts.measure.calls import outcomes
from verdicts.run.reading import load


def test_the_limit_of_slow_calls_is_not_the_load_that_was_offered(tmp_path: Path) -> None:
    found = result(judged(tmp_path, asked({"P0.1": ""})), "P0.1.limit")
    assert (found.value, found.basis) == (6134, "modelled")
    assert (found.figures["limit"], found.figures["room"]) == (6134, 4277)
    assert "set by nano memory" in found.unit


def test_percentiles_say_how_many_calls_they_stand_on(tmp_path: Path) -> None:
    scenario = {"points": ["P1.7"], "thresholds": {"P1.7": "p95 <= 2 s, served >= 95 %"}}
    spec = Spec(duration=6.0, accounts=20, chances={}, fault=(1.0, 6.0, "db_error"), scenario_data=scenario)
    judgement = judge(load(write(tmp_path / "run", spec)))
    found = next(one for one in judgement.points if one.id == "P1.7")
    assert found.figures["p95"] < 2
    assert found.figures["served"] < 0.5
    assert found.unit == "ms (p95 of those that succeeded)"
    assert found.status == "fail"


def test_a_slow_tool_that_a_scenario_takes_for_a_fast_one_is_not_the_gateways_time(tmp_path: Path) -> None:
    """By what it took before load, `run/checks/quiet.py`: the target tells no time of its own."""

    def slow(samples: Samples) -> Samples:
        samples["done"], samples["upstream_s"] = samples["sent"] + 2.52, np.nan
        return samples

    asked = {"points": ["P1.7"], "thresholds": {"P1.7": "p95 <= 2 s"}}
    spec = Spec(duration=6.0, chances={}, bundled=False, change=slow, scenario_data=asked)
    for quiet, status in (({"fast.echo": 2.5}, "pass"), ({}, "fail")):
        folder = write(tmp_path / status, replace(spec, manifest={"quiet": quiet}))
        found = next(one for one in judge(load(folder)).points if one.id == "P1.7")
        assert (found.status, found.figures["p95"] < 0.1) == (status, status == "pass")


def test_an_outage_is_told_in_real_seconds_with_what_the_settings_allow(tmp_path: Path) -> None:
    found = answer(tmp_path, told(9.0))
    assert (found.value, found.figures["least"], found.figures["most"]) == (9.0, 6.0, 9.0)
    assert found.figures["errors"] == 0


def test_a_second_collapse_is_told(tmp_path: Path) -> None:
    def relapse(samples: Samples) -> Samples:
        failing(15.0)(samples)
        fail(samples, (samples["planned"] >= 23) & (samples["planned"] < 24), "db_error")
        return samples

    found = point(run_with(tmp_path, replace(SPEC, change=relapse)), "P1.11")
    assert found.value == 9
    assert "well for 3 s, then 50 of 50 failed 8 s after its end" in found.evidence


def test_a_busy_machines_python_is_no_break_of_the_target(tmp_path: Path) -> None:
    reasons = [*REASONS, outcomes.CPU_CUT]

    def cut(samples: Samples) -> Samples:
        which = (samples["planned"] >= 2) & (samples["planned"] < 3)
        fail(samples, which, "internal_error")
        samples["reason"][which] = len(REASONS)
        return samples

    spec = Spec(duration=6.0, accounts=20, chances={}, change=cut, manifest={"reasons": reasons})
    assert first_break.target_breaks(load(write(tmp_path / "ours", spec))) == []
    theirs = load(write(tmp_path / "theirs", replace(spec, bundled=False)))
    assert first_break.target_breaks(theirs)[0].what == "worker_cpu_exceeded"


def test_another_runs_words_are_not_this_runs(tmp_path: Path) -> None:
    folder = HandedOver(tmp_path / "postgres")
    os.write(folder.log, b"FATAL:  terminating connection due to unexpected postmaster exit\n")
    since = folder.log_size
    os.write(folder.log, b"FATAL:  sorry, too many clients already\n")
    assert fatal(folder.said(since)) == {"sorry, too many clients already": 1}
    folder.close()


def test_what_broke_first_is_told_again_in_the_pages_language() -> None:
    assert first_break.retold("nothing broke", Say("ja")) == "なし"
    assert first_break.retold("the bound of P3.5.rotation", Say("ja")) == "P3.5.rotationの許容範囲"
    said = first_break.retold("db_error at 2.6 s, 52 calls in all", Say("ja"))
    assert said == "db_error (2.6秒時点、計52件)"
    assert first_break.retold("db_error at 2.6 s, 52 calls in all", Say("en")).startswith("db_error at 2.6 s")
