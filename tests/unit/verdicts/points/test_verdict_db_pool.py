"""Points P1.9 to P1.11 on runs made of arithmetic."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from telemetry.recording.sample import REASON_CODE, Outcome
from tests.support.synthetic_run import Samples, Spec, fail, write
from verdicts.judge.judge import judge
from verdicts.measure.calls import recovery
from verdicts.points.point import PointResult
from verdicts.run.reading import Run, load

FAULT = {"at": 10.0, "until": 15.0, "fault": "db-hold", "target": None, "params": {}}
WANTED = {"points": ["P1.9", "P1.10", "P1.11"], "thresholds": {}, "faults": [FAULT]}
SPEC = Spec(duration=40.0, accounts=10, chances={}, scenario_data=WANTED)
BEGUN = [{"t": 10.01, "kind": "fault", "name": "db-hold", "detail": {"state": "begins", "target": None}}]
FULL = {
    "opened": 26, "held": {"mcpist-limit-probe": 26, "mcpist-origin": 30, "mcpist-monitor": 1}, "limit": 57,
    "max_connections": 60, "reserved": 3, "sqlstate": "53300", "pooler": False,
    "refusal": "remaining connection slots are reserved", "log": {"sorry, too many clients already": 4},
}  # fmt: skip


def failing(until: float, reason: str = "db_pool_timeout") -> Any:
    """All calls planned from 10 s to `until` fail of it, with a 503 and Retry-After."""

    def change(samples: Samples) -> Samples:
        which = (samples["planned"] >= 10) & (samples["planned"] < until)
        fail(samples, which, "db_error")
        samples["reason"][which] = REASON_CODE[reason]
        samples["status"][which], samples["retry_after"][which] = 503, 1.0
        return samples

    return change


def run_with(
    folder: Path, spec: Spec, events: list[dict[str, Any]] = BEGUN, connections: dict[str, Any] | None = None,
    texts: tuple[dict[str, Any], ...] = (),
) -> Run:  # fmt: skip
    run = write(folder / "run", spec)
    (run / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    (run / "errors-local.jsonl").write_text("".join(json.dumps(text) + "\n" for text in texts))
    if connections is not None:
        (run / "connections.json").write_text(json.dumps(connections))
    return load(run)


def told_of_locks(run: Run, *waiting: float) -> None:
    """Scrapes of the stack from 14 s on: so many of 57 connections wait for a row's lock."""
    lines = [
        {"t": 14.0 + second, "source": "stack", "up": True, "took_s": 0.001, "values": {
            'stack_db_connections{state="waiting for a lock"}': count,
            'stack_db_connections{state="active"}': 57.0 - count,
        }}
        for second, count in enumerate(waiting)
    ]  # fmt: skip
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (run.folder / "target.jsonl").write_text(text)


def point(run: Run, id: str) -> PointResult:
    return next(one for one in judge(run).points if one.id == id)


def judged_by(spec: Spec, **thresholds: str) -> Spec:
    bounds = {id.replace("_", "."): text for id, text in thresholds.items()}
    return replace(spec, scenario_data={**spec.scenario_data, "thresholds": bounds})


# P1.11


def test_recovery_is_counted_from_the_faults_end(tmp_path: Path) -> None:
    run = run_with(tmp_path, replace(SPEC, change=failing(18.0)))
    result = point(run, "P1.11")
    assert result.value == 3
    assert "Nothing had to be restarted." in result.evidence
    assert result.rows[0]["failed calls"] == "db_pool_timeout 400"


def test_a_fault_that_leaves_no_trace_is_over_at_once(tmp_path: Path) -> None:
    assert point(run_with(tmp_path, replace(SPEC, change=failing(15.0))), "P1.11").value == 0


def test_slow_answers_are_no_recovery(tmp_path: Path) -> None:
    def slow(samples: Samples) -> Samples:
        samples["done"][(samples["planned"] >= 10) & (samples["planned"] < 22)] += 0.2
        return samples

    assert point(run_with(tmp_path, replace(SPEC, change=slow)), "P1.11").value == 7


def test_three_seconds_in_a_row_are_needed(tmp_path: Path) -> None:
    def change(samples: Samples) -> Samples:
        failing(15.0)(samples)
        fail(samples, (samples["planned"] >= 17) & (samples["planned"] < 18), "db_error")
        return samples

    assert point(run_with(tmp_path, replace(SPEC, change=change)), "P1.11").value == 3


def test_quick_answers_beside_failures_are_no_recovery(tmp_path: Path) -> None:
    def change(samples: Samples) -> Samples:
        failing(15.0)(samples)
        late = (samples["planned"] >= 15) & (samples["planned"] < 21) & (samples["index"] % 10 == 0)
        fail(samples, late, "db_error")
        return samples

    assert point(run_with(tmp_path, replace(SPEC, change=change)), "P1.11").value == 6


def test_the_minute_that_follows_is_normal_too(tmp_path: Path) -> None:
    def change(samples: Samples) -> Samples:
        failing(15.0)(samples)
        samples["done"][(samples["planned"] >= 19) & (samples["planned"] < 24)] += 0.2
        return samples

    assert point(run_with(tmp_path, replace(SPEC, change=change)), "P1.11").value == 9


def test_the_last_collapse_counts_not_the_deepest(tmp_path: Path) -> None:
    def collapses(samples: Samples) -> Samples:
        failing(15.0)(samples)
        for second, count in ((19, 28), (33, 27)):
            within = np.flatnonzero((samples["planned"] >= second) & (samples["planned"] < second + 1))
            fail(samples, np.isin(np.arange(len(samples)), within[:count]), "db_error")
        return samples

    run = run_with(tmp_path, judged_by(replace(SPEC, change=collapses), P1_11="seconds <= 15 s"))
    found = point(run, "P1.11")
    assert (found.value, found.status) == (19, "fail")
    assert "well for 3 s, then 28 of 50 failed 4 s after its end" in found.evidence


def test_what_never_recovers_fails_its_threshold(tmp_path: Path) -> None:
    run = run_with(tmp_path, judged_by(replace(SPEC, change=failing(40.0)), P1_11="seconds <= 20 s"))
    assert (point(run, "P1.11").value, point(run, "P1.11").status) == ("not within 25 s", "fail")
    assert next(recovery.of(run)).seconds == math.inf
    assert judge(run).exit_code == 1


def test_what_nobody_watched_for_as_long_as_is_allowed_proves_nothing(tmp_path: Path) -> None:
    """The next fault begins 5 s after the first one's end; 15 s are allowed."""
    faults = [FAULT, {**FAULT, "at": 20.0, "until": 22.0, "fault": "db-row-lock"}]
    events = [*BEGUN, {**BEGUN[0], "t": 20.0, "name": "db-row-lock"}]
    spec = replace(judged_by(SPEC, P1_11="seconds <= 15 s"), change=failing(22.0))
    run = run_with(tmp_path, replace(spec, scenario_data={**spec.scenario_data, "faults": faults}), events)
    assert (point(run, "P1.11").value, point(run, "P1.11").status) == ("not within 5 s", "invalid")


def test_a_second_without_a_call_is_neither_normal_nor_not(tmp_path: Path) -> None:
    run = run_with(tmp_path, judged_by(replace(SPEC, rate=0.05), P1_11="seconds <= 15 s"))
    found = point(run, "P1.11")
    assert found.status == "pass"
    assert found.value in (0, 1)


def test_too_few_calls_tell_nothing_of_a_recovery(tmp_path: Path) -> None:
    run = run_with(tmp_path, judged_by(replace(SPEC, rate=1 / 150), P1_11="seconds <= 15 s"))
    assert math.isnan(next(recovery.of(run)).seconds)
    found = point(run, "P1.11")
    assert (found.value, found.status) == (None, "info")


def test_where_nothing_was_well_before_nobody_knows_what_is_normal(tmp_path: Path) -> None:
    def dead(samples: Samples) -> Samples:
        fail(samples, samples["planned"] < 10, "db_error")
        return samples

    run = run_with(tmp_path, judged_by(replace(SPEC, change=dead), P1_11="seconds <= 15 s"))
    assert point(run, "P1.11").status == "info"


def test_restarted_processes_are_named(tmp_path: Path) -> None:
    state = {"t": 15.2, "kind": "state", "name": "postgres", "detail": {"up": True}}
    down = {"t": 10.2, "kind": "state", "name": "postgres", "detail": {"up": False, "how": "killed"}}
    spec = judged_by(replace(SPEC, change=failing(16.0)), P1_11="restarted == 0")
    result = point(run_with(tmp_path, spec, [*BEGUN, down, state]), "P1.11")
    assert "Restarted: postgres." in result.evidence
    assert result.status == "fail"


def test_a_fault_that_never_began_is_not_recovered_from(tmp_path: Path) -> None:
    events = [{**BEGUN[0], "detail": {"state": "not possible on this target", "target": None}}]
    assert point(run_with(tmp_path, SPEC, events), "P1.11").status == "info"


def test_the_next_fault_ends_the_watch(tmp_path: Path) -> None:
    faults = [FAULT, {**FAULT, "at": 20.0, "until": 25.0, "fault": "db-row-lock"}]
    events = [*BEGUN, {**BEGUN[0], "t": 20.0, "name": "db-row-lock"}]
    spec = replace(SPEC, scenario_data={**WANTED, "faults": faults}, change=failing(19.0))
    found = list(recovery.of(run_with(tmp_path, spec, events)))
    assert [(one.fault, one.watched) for one in found] == [("db-hold", 5.0), ("db-row-lock", 15.0)]
    assert [one.seconds for one in found] == [math.inf, 0.0]


def test_a_fault_that_ends_within_another_is_not_recovered_from(tmp_path: Path) -> None:
    """Calls fail until the outer fault ends, 20 s after the inner one; 15 s are allowed."""
    outer, inner = {**FAULT, "until": 40.0}, {**FAULT, "at": 15.0, "until": 20.0, "fault": "db-row-lock"}
    events = [*BEGUN, {**BEGUN[0], "t": 15.0, "name": "db-row-lock"}]
    spec = replace(judged_by(SPEC, P1_11="seconds <= 15 s"), duration=60.0, change=failing(40.0))
    spec = replace(spec, scenario_data={**spec.scenario_data, "faults": [outer, inner]})
    run = run_with(tmp_path, spec, events)
    assert [(one.fault, one.watched, one.seconds) for one in recovery.of(run)] == [("db-hold", 20.0, 0.0)]
    assert point(run, "P1.11").status == "pass"


def test_where_each_fault_ends_within_another_nothing_is_said(tmp_path: Path) -> None:
    outer, inner = {**FAULT, "until": None}, {**FAULT, "at": 15.0, "until": 20.0, "fault": "db-row-lock"}
    events = [*BEGUN, {**BEGUN[0], "t": 15.0, "name": "db-row-lock"}]
    spec = replace(judged_by(SPEC, P1_11="seconds <= 15 s"), change=failing(40.0))
    spec = replace(spec, scenario_data={**spec.scenario_data, "faults": [outer, inner]})
    found = point(run_with(tmp_path, spec, events), "P1.11")
    assert (found.value, found.status) == (None, "info")
    assert "no other was in force" in found.evidence


def test_a_call_that_ended_with_the_run_was_not_told_unclearly(tmp_path: Path) -> None:
    def stopped(samples: Samples) -> Samples:
        samples["outcome"][::20], samples["status"][::20] = Outcome.ABORTED, 0
        return samples

    run = run_with(tmp_path, judged_by(replace(SPEC, change=stopped), P1_10="unclear <= 1 %"))
    assert point(run, "P1.10").status == "pass"


@pytest.mark.parametrize("bound", ["P1.8", "P1.9"])
def test_a_run_whose_pooler_was_not_there_proves_nothing_of_one(tmp_path: Path, bound: str) -> None:
    """Whatever else held: it was asked what a pooler does."""
    manifest = {"stack": {"settings": {"database": {"mode": "pooler"}, "nano": {}}, "processes": {}}}
    bounds = {"P1.8": "errors <= 5 %", "P1.9": "off == 0", "P1.10": "unclear <= 1 %"}
    data = {**WANTED, "points": list(bounds), "thresholds": {one: bounds[one] for one in (bound, "P1.10")}}
    run = run_with(
        tmp_path, replace(SPEC, manifest=manifest, scenario_data=data), connections={**FULL, "pooler": False}
    )
    found = judge(run)
    assert (found.unseen, found.exit_code) == (("P1.10 unclear <= 1 %",), 3)


# P1.10


def text(reason: str, detail: str, t: float = 10.5) -> dict[str, Any]:
    return {"t": t, "reason": reason, "status": 503, "code": -32054, "message": "No", "detail": detail}


def test_a_503_with_retry_after_is_clear(tmp_path: Path) -> None:
    spec = judged_by(replace(SPEC, change=failing(15.0)), P1_10="unclear <= 1 %")
    run = run_with(tmp_path, spec, connections=FULL, texts=(text("db_pool_timeout", "all 15 in use"),))
    result = point(run, "P1.10")
    assert (result.value, result.status) == ("No: all 15 in use", "pass")
    assert [row["where"] for row in result.rows] == ["Postgres (its log)", "client (words of the pool)"]
    assert result.rows[0]["words"] == "FATAL: sorry, too many clients already"
    assert result.rows[1]["times"] == 250
    assert "remaining connection slots are reserved (SQLSTATE 53300)" in result.evidence


def test_an_error_without_a_word_on_when_is_not_clear(tmp_path: Path) -> None:
    spec = judged_by(replace(SPEC, fault=(10.0, 15.0, "db_error")), P1_10="unclear <= 1 %")
    run = run_with(tmp_path, spec, connections=FULL, texts=(text("db_error", "too many clients"),))
    result = point(run, "P1.10")
    assert result.status == "fail"
    assert result.evidence.startswith("250 of 2,000 calls got no clear answer")


def test_a_caller_waits_as_long_where_the_scenario_runs_faster(tmp_path: Path) -> None:
    def after_5_seconds(samples: Samples) -> Samples:
        failing(15.0)(samples)
        which = (samples["planned"] >= 10) & (samples["planned"] < 15)
        samples["done"][which] = samples["sent"][which] + 5.1
        return samples

    faster = replace(SPEC, change=after_5_seconds, manifest={"time_scale": 6.0})
    spec = judged_by(faster, P1_10="unclear <= 1 %")
    assert point(run_with(tmp_path, spec, connections=FULL), "P1.10").status == "pass"


def test_a_503_without_retry_after_is_not_clear(tmp_path: Path) -> None:
    def change(samples: Samples) -> Samples:
        failing(15.0)(samples)["retry_after"] = np.nan
        return samples

    result = point(run_with(tmp_path, replace(SPEC, change=change)), "P1.10")
    assert result.evidence.startswith("250 of 2,000 calls got no clear answer")


def test_a_success_after_too_long_is_not_clear(tmp_path: Path) -> None:
    def stuck(samples: Samples) -> Samples:
        samples["done"][samples["planned"] < 1] += 10.0
        return samples

    result = point(run_with(tmp_path, replace(SPEC, change=stuck)), "P1.10")
    assert result.evidence.startswith("50 of 2,000 calls got no clear answer")
    assert result.value == "no call failed of it"


def test_dropped_and_aborted_calls_are_no_riddle(tmp_path: Path) -> None:
    def change(samples: Samples) -> Samples:
        samples["outcome"][-1] = Outcome.ABORTED
        samples["done"][-1] = np.nan
        return samples

    assert point(run_with(tmp_path, replace(SPEC, change=change)), "P1.10").evidence.startswith("1 of 2,000")


# P1.9


def test_the_limit_is_what_was_open_at_the_refusal(tmp_path: Path) -> None:
    run = run_with(tmp_path, judged_by(SPEC, P1_9="off == 0"), connections=FULL)
    result = point(run, "P1.9")
    assert (result.value, result.status) == (57, "pass")
    assert "max_connections 60 − reserved 3 = 57" in result.evidence
    assert len(result.rows) == 3


def test_another_limit_than_promised_fails(tmp_path: Path) -> None:
    run = run_with(tmp_path, judged_by(SPEC, P1_9="off == 0"), connections={**FULL, "limit": 56})
    assert point(run, "P1.9").status == "fail"


@pytest.mark.parametrize("connections", [None, {**FULL, "refusal": None}])
def test_a_limit_that_was_not_reached_is_not_made_up(
    tmp_path: Path, connections: dict[str, Any] | None
) -> None:
    result = point(run_with(tmp_path, SPEC, connections=connections), "P1.9")
    assert (result.value, result.status) == (None, "info")


def test_a_pool_that_leaves_nobody_else_a_connection_fails(tmp_path: Path) -> None:
    held = {"mcpist-origin": 55, "mcpist-monitor": 1, "mcpist-limit-admin": 1}
    spec = judged_by(SPEC, P1_9="off == 0, opened >= 1")
    run = run_with(tmp_path, spec, connections={**FULL, "opened": 0, "held": held})
    assert point(run, "P1.9").status == "fail"


# The pooler


def test_a_pooler_that_is_not_there_is_said_and_nothing_judged(tmp_path: Path) -> None:
    stack = {"settings": {"database": {"mode": "pooler"}}, "processes": {}}
    spec = judged_by(replace(SPEC, manifest={"stack": stack}), P1_11="seconds <= 1 s")
    run = run_with(tmp_path, replace(spec, change=failing(40.0)), connections=FULL)
    for id in ("P1.10", "P1.11"):
        assert point(run, id).status == "info"
        assert "PgBouncer is not installed here" in point(run, id).evidence
    there = run_with(tmp_path / "there", spec, connections={**FULL, "pooler": True})
    assert point(there, "P1.11").status == "pass"


def test_how_many_wait_for_a_lock_after_the_faults_end_is_told(tmp_path: Path) -> None:
    run = run_with(tmp_path, replace(SPEC, change=failing(15.0)))
    told_of_locks(run, 57, 10, 41, 3)
    found = point(load(run.folder), "P1.11")
    assert (
        "after its end up to 41 of 57 connections waited for a row's lock" in found.evidence
    )  # not the 57 before
    assert found.figures["waiting"] == pytest.approx(41 / 57)


def test_without_a_word_of_the_database_no_lock_is_told(tmp_path: Path) -> None:
    found = point(run_with(tmp_path, replace(SPEC, change=failing(15.0))), "P1.11")
    assert "lock" not in found.evidence
    assert math.isnan(found.figures["waiting"])
