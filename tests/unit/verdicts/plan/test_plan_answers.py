"""Which run answers a question, what stands in an answer's place, and what the plan's exit code says."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scenarios.load import load
from shapes.search import Kind
from tests.support import plan_folder, synthetic_run
from tests.support.plan_folder import found, planned, point
from verdicts.__main__ import main
from verdicts.breakpoint import table
from verdicts.breakpoint.table import BreakpointRow
from verdicts.language.words import Say
from verdicts.plan import answers, files, plan_file, stored_search
from verdicts.plan.answers import JudgedRun, PlanAnswer
from verdicts.plan.summary import PlanSummary
from verdicts.run.reading import RunFolderError

SAY = Say()


def read(folder: Path) -> PlanSummary:
    told = plan_file.read(folder)
    judged_runs = [JudgedRun.of(folder, run) for run in told.runs]
    return PlanSummary(answers.of(told, judged_runs), judged_runs)


def by_id(plan: PlanSummary) -> dict[str, PlanAnswer]:
    return {answer.question.id: answer for answer in plan.answers}


@pytest.fixture
def plan(tmp_path: Path) -> PlanSummary:
    return read(plan_folder.whole(tmp_path / "plan"))


def test_every_kind_of_answer(plan: PlanSummary) -> None:
    got = {id: (one.state, one.status) for id, one in by_id(plan).items() if one.state != "not asked"}
    assert got == {
        "P0.1": ("answered", "info"),
        "P0.3": ("left", "info"),
        "P0.4": ("answered", "fail"),
        "P1.1": ("unknown", "info"),
        "P1.7": ("invalid", "invalid"),
        "P1.9": ("missing", "invalid"),
        "F1.3": ("answered", "pass"),
    }
    assert len(plan.answers) == 26


def test_what_stands_in_the_place_of_an_answer(plan: PlanSummary) -> None:
    reasons = {id: one.reason for id, one in by_id(plan).items()}
    assert reasons["P0.1"] == reasons["P1.2"] == ""
    assert reasons["P1.1"] == "Not observed: no KV counters."
    assert reasons["P1.7"] == "9 of 100 calls late (9.00%, allowed 1 %)"
    assert reasons["P1.9"] == "db-pool: exit code 3, no verdict"


@pytest.mark.parametrize("id", ["P1.1", "P1.7", "P1.9", "P1.2"])
def test_what_is_not_known_gives_no_recommendation(plan: PlanSummary, id: str) -> None:
    assert by_id(plan)[id].advice("en") == by_id(plan)[id].advice("ja") == []


def test_the_plain_run_answers_and_the_others_stand_beside(plan: PlanSummary) -> None:
    slow = by_id(plan)["P0.3"]
    assert slow.lead is not None
    assert slow.lead.run.name == "slow-api"
    assert [other.run.name for other in slow.others] == ["slow-api-phase2"]
    assert slow.numbers().phase2_success == 0.015
    texts = [advice.text for advice in slow.advice("en")]
    assert texts[0].startswith(
        "Do not turn global-concurrency on with 100 permits: with phase2 1.5 % of innocent users'"
    )


def test_a_run_that_does_not_count_says_nothing_beside_another(tmp_path: Path) -> None:
    runs = [
        (planned("slow-api", ["P0.3"]), found([point("P0.3.innocents", 100.0, success=1.0)])),
        (
            planned("slow-api", ["P0.3"], "phase2", 3),
            found([point("P0.3.innocents", 1.0, "invalid", success=0.01)], invalid_because=["late"]),
        ),
    ]
    plan = read(plan_folder.write(tmp_path / "plan", runs))
    answer = by_id(plan)["P0.3"]
    assert "phase2_success" not in answer.numbers()
    assert (answer.state, plan.exit_code) == ("left", 3)


def test_a_figure_without_a_bound_is_no_answer_in_a_run_that_does_not_count(tmp_path: Path) -> None:
    document = found([point("P1.5", 500, "info", mean=500.0)], invalid_because=["9 of 10 calls late"])
    folder = plan_folder.write(tmp_path / "plan", [(planned("burst", ["P1.5"], code=3), document)])
    answer = by_id(read(folder))["P1.5"]
    assert (answer.state, answer.status, answer.reason) == ("invalid", "invalid", "9 of 10 calls late")
    assert not answer.numbers()


def test_the_run_that_leads_answers_in_place_of_the_plain_one(tmp_path: Path) -> None:
    runs = [
        (planned("kv-exhaustion", ["P1.4"]), found([point("P1.4", 1, max=1.0)])),
        (
            replace(planned("kv-exhaustion-isolates", ["P1.4"]), label="isolates", leads=("P1.4",)),
            found([point("P1.4", 20, "fail", max=20.0, isolates=4.0)]),
        ),
    ]
    answer = by_id(read(plan_folder.write(tmp_path / "plan", runs)))["P1.4"]
    assert answer.main is not None
    assert answer.main["value"] == 20
    assert float(answer.numbers().kv_exhaustion_max) == 1


def test_of_repeats_that_lead_the_worst_answers(tmp_path: Path) -> None:
    def recovered(label: str, value: Any, seconds: float | None, status: str = "pass") -> Any:
        run = replace(planned("db-pool-none", ["P1.11"], label), leads=("P1.11",))
        return run, found([point("P1.11", value, status, "s", seconds=seconds)])

    first, second = recovered("", 2, 2.0), recovered("again", 9, 9.0)
    worst = recovered("third", "not within 40 s", None, "fail")
    for number, (runs, value) in enumerate(
        [([first, second], 9), ([second, first], 9), ([first, worst, second], "not within 40 s")]
    ):
        answer = by_id(read(plan_folder.write(tmp_path / f"{number}", runs, mode="full")))["P1.11"]
        assert answer.main is not None
        assert answer.main["value"] == value
        assert answer.repeats[0]["value"] == value
        assert len(answer.repeats) == len(runs)
    alone = by_id(read(plan_folder.write(tmp_path / "alone", [second], mode="full")))["P1.11"]
    assert alone.repeats == []  # one run is no spread


def test_a_question_that_the_mode_leaves_is_not_answered_by_what_it_ran(tmp_path: Path) -> None:
    runs = [(planned("failover", ["P3.2"]), found([point("P3.2", 100.0, "pass", mean=1.0)]))]
    folder = plan_folder.write(tmp_path / "plan", runs)
    replace(plan_file.read(folder), left=("P3.2",)).write(folder)
    plan = read(folder)
    answer = by_id(plan)["P3.2"]
    assert (answer.state, answer.status, answer.advice("en")) == ("left", "info", [])
    assert "make plan MODE=full" in answer.reason
    assert plan.sentence(SAY).startswith("Left to make plan MODE=full: P3.2.")


def borne(protect: str, rate: float, kind: Kind = "breakpoint", note: str = "") -> BreakpointRow:
    return BreakpointRow(protect, kind, rate, rate * 1.05, True, "nano memory", (), note)


def searched(folder: Path, rows: Sequence[BreakpointRow], **other: Any) -> Path:
    """A search of the plan's scenario as it is, but for `other`."""
    about: dict[str, Any] = {
        "scenario": stored_search.SCENARIO, "target": "bundled", "duration_s": stored_search.DURATION,
        "tier": None, "nano_kind": "",
    }  # fmt: skip
    folder.mkdir(exist_ok=True)
    table.write(folder, table.document(rows=rows, **{**about, **other}), "")
    return folder


def answer_of(tmp_path: Path) -> PlanAnswer:
    """P0.3's, of a plan beside the searches."""
    folder = plan_folder.whole(tmp_path / "plan")
    told, found = plan_file.read(folder), stored_search.newest(tmp_path, {"target": "bundled"})
    judged_runs = [JudgedRun.of(folder, run) for run in told.runs]
    return next(one for one in answers.of(told, judged_runs, found) if one.question.id == "P0.3")


def test_at_least_is_no_number_of_a_protection(tmp_path: Path) -> None:
    known = [borne("none", 200.0), borne("global-concurrency", 2.985), borne("phase2", 4.887)]
    of_us = [borne("user-concurrency", 552.4, "at least"), borne("phase1", 609.0, note="the budget is over")]
    searched(tmp_path / "a-search", [*known, *of_us])
    answer = answer_of(tmp_path)
    advice = " ".join(one.text for one in answer.advice("en"))
    assert "Before any protection a nano bears 200 req/s" in advice
    assert "552" not in advice
    assert "609" not in advice
    assert set(answer.results[0]["figures"]) == {"borne_none", "borne_global_concurrency", "borne_phase2"}
    said = answer.results[0]["evidence"]
    assert "user-concurrency at least 552.4 (" in said
    assert "phase1 between 609 and 639.5 (" in said


def test_a_search_without_none_hides_no_older_one_and_answers_nothing(tmp_path: Path) -> None:
    alone = searched(tmp_path / "newer", [borne("fair-queue", 4.859)])
    assert answer_of(tmp_path).state == "left"
    older = searched(tmp_path / "older", [borne("none", 200.0)])
    os.utime(older / table.FILE, (1, 1))
    assert (alone / table.FILE).stat().st_mtime > 1
    answer = answer_of(tmp_path)
    assert answer.main is not None
    assert (answer.state, answer.main["value"]) == ("answered", "200")


def test_a_search_of_the_scenario_as_it_is_not_answers_nothing(tmp_path: Path) -> None:
    assert load(stored_search.SCENARIO).duration == stored_search.DURATION
    others = {"tier": "starter", "duration_s": 40.0, "nano_kind": "calibrated"}
    for other in ({}, *({key: value} for key, value in others.items())):
        searched(tmp_path / "a-search", [borne("none", 200.0)], **other)
        assert bool(stored_search.newest(tmp_path, {"target": "bundled"})) == (not other)
        calibrated = stored_search.newest(tmp_path, {"target": "bundled"}, "calibrated")
        assert bool(calibrated) == ("nano_kind" in other)


def test_the_breakpoint_is_answered_by_a_stored_search_alone(tmp_path: Path) -> None:
    known = {"none": 200.0, "user-concurrency": 552.4, "global-concurrency": 2.985, "phase1": 609.0}
    rows = [borne(name, rate) for name, rate in {**known, "phase2": 4.887}.items()]
    search = searched(tmp_path / "a-search", rows)
    answer = answer_of(tmp_path)
    assert answer.state == "answered"
    assert answer.main is not None
    assert (answer.main["id"], answer.main["value"]) == ("P0.3.breakpoint", "200")
    assert (
        "Before any protection a nano bears 200 req/s of slow calls. After user-concurrency 552"
        in " ".join(advice.text for advice in answer.advice("en"))
    )
    searched(search, rows, scenario="burst")
    assert stored_search.newest(tmp_path, {"target": "bundled"}) is None


@pytest.mark.parametrize(
    ("target", "stack", "basis", "subject"),
    [
        ("bundled", "", "modelled", "bundled stack"),
        ("bundled", "real", "measured", "real parts"),
        ("bundled", "fakes,origin=real", "measured", "bundled stack"),
        ("staging", "", "measured", "target"),
    ],
)
def test_a_search_answers_a_plan_of_the_same_target_and_stack_alone(
    tmp_path: Path, target: str, stack: str, basis: str, subject: str
) -> None:
    rows = [BreakpointRow("none", "breakpoint", 70.0, 73.5, True, "nano CPU", ())]
    searched(tmp_path / "a-search", rows, target=target, stack=stack)
    targets, stacks = ("bundled", "staging"), ("", "real", "fakes,origin=real")
    answered = []
    for other in itertools.product(targets, stacks):
        if search := stored_search.newest(tmp_path, dict(zip(("target", "stack"), other, strict=True))):
            answered.append((other, search.result("P0.3")))
    ((asked, result),) = answered
    assert asked == (target, stack)
    assert (result["value"], result["basis"], result["subject"]) == ("70", basis, subject)


def test_another_scenario_answers_where_the_questions_own_did_not_run(tmp_path: Path) -> None:
    runs = [(planned("agent-loop", ["P0.1"]), found([point("P0.1", 15, in_flight=15.0)]))]
    answer = by_id(read(plan_folder.write(tmp_path / "plan", runs, mode="smoke")))["P0.1"]
    assert answer.lead is not None
    assert (answer.state, answer.lead.run.name) == ("answered", "agent-loop")


GOOD = found([point("P0.1", 1, in_flight=1.0)])
CASES: dict[str, tuple[list[tuple[int | None, dict[str, Any] | None]], int]] = {
    "all passed": ([(0, GOOD)], 0),
    "a verdict failed": ([(0, GOOD), (1, found([point("P0.1", 1, "fail")]))], 1),
    "a run left nothing": ([(0, GOOD), (3, None)], 3),
    "a run did not run": ([(0, GOOD), (None, None)], 3),
    "a run could not be configured": ([(0, GOOD), (2, None)], 3),
    "a run is invalid": ([(0, GOOD), (3, found([], invalid_because=["late"]))], 3),
    "a threshold without samples": ([(3, found([point("P0.1", None, "invalid")]))], 3),
    "killed after its verdict": ([(3, GOOD)], 3),
    "nothing planned": ([], 3),
}


@pytest.mark.parametrize(("runs", "code"), CASES.values(), ids=CASES)
def test_the_exit_code(tmp_path: Path, runs: list[Any], code: int) -> None:
    entries = [(planned("slow-api", ["P0.1"], f"n{n}", one), doc) for n, (one, doc) in enumerate(runs)]
    assert read(plan_folder.write(tmp_path / "plan", entries)).exit_code == code


def test_the_first_screen(plan: PlanSummary) -> None:
    assert plan.headline(SAY) == "3 of 7 questions answered"
    assert plan.sentence(SAY) == (
        "Without an answer: P1.7, P1.9. Left to make breakpoint: P0.3. Not observed on this target: P1.1. "
        "The target is out of bounds in 1: P0.4. That is a finding about the target; the runs count."
    )
    arrived, held, first = plan.cards(SAY)
    assert (arrived.status, arrived.answer) == ("invalid", "Not in 2 of 7 runs")
    assert arrived.note == "Not counted: burst, db-pool."
    assert arrived.figures[0] == ("sent of planned", "600 of 600")
    assert (held.status, held.answer) == ("fail", "Not in 1 of 2")
    assert held.figures == [
        *(("within their bounds", "1"), ("out of bounds", "1"), ("a figure without a bound", "1")),
        *(("not observed", "1"), ("left open by this mode", "1"), ("no answer", "2")),
    ]
    assert (first.status, first.answer) == ("fail", "At 100 MAU: P0.4")
    assert first.figures == [
        *(("before the MVP", "nothing"), ("at 100 MAU", "P0.4"), ("at 500 MAU", "not known")),
    ]
    assert [todo.by for todo in plan.todo("en")] == ["before 100 MAU"]


def test_what_was_not_answered_is_not_said_to_hold(tmp_path: Path) -> None:
    runs = [(planned("burst", ["P1.7"], code=3), None)]
    _, _, first = read(plan_folder.write(tmp_path / "plan", runs)).cards(SAY)
    assert (first.status, first.answer) == ("invalid", "Nothing that was answered is out of bounds")
    assert first.figures == [("at 500 MAU", "not known")]


def test_a_killed_run_is_judged_by_the_samples_it_left(tmp_path: Path) -> None:
    folder = plan_folder.write(tmp_path / "plan", [(planned("burst", ["P1.7"], code=3), None)])
    synthetic_run.write(folder / "burst", synthetic_run.Spec(duration=5.0, killed=True))
    assert files.derive(folder, again=False, quiet=True) == 3
    answer = by_id(read(folder))["P1.7"]
    assert (answer.state, answer.status) == ("invalid", "invalid")
    assert "killed" in answer.reason
    assert (folder / "burst" / "report.html").exists()


def test_a_plan_is_derived_again_from_its_stored_runs_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = plan_folder.write(tmp_path / "plan", [(planned("burst", ["P1.5", "P1.7", "P1.8"]), None)])
    synthetic_run.write(folder / "burst", synthetic_run.Spec(duration=5.0))
    names = ("plan.html", "plan.md", "junit.xml", "burst/verdicts.json", "burst/report.html")
    assert main([str(folder)]) == 0
    assert "3 of 3 questions answered, exit code 0" in capsys.readouterr().out
    once = [(folder / name).read_bytes() for name in names]
    (folder / "burst" / "verdicts.json").write_text(json.dumps(found([])))
    assert main([str(folder), "--quiet"]) == 0
    assert [(folder / name).read_bytes() for name in names] == once


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "plan.json"),
        ('{"schema_version": 9}', "allowed: 1"),
        ('{"schema_version": 1}', "missing required field `mode`"),
        ('{"schema_version": 1, "mode": 3, "started": "", "version": "", "runs": []}', "mode"),
    ],
)
def test_a_plan_that_cannot_be_read_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    (tmp_path / "plan.json").write_text(text)
    assert main([str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_a_folder_that_is_no_plan(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match=r"plan\.json"):
        files.derive(tmp_path / "gone")


def test_a_run_that_cannot_be_read_is_missing_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = plan_folder.write(tmp_path / "plan", [(planned("burst", ["P1.7"], code=3), None)])
    (folder / "burst").mkdir()
    (folder / "burst" / "run.json").write_text("{")
    assert files.derive(folder, quiet=True) == 3
    assert "run.json" in capsys.readouterr().err
    assert by_id(read(folder))["P1.7"].state == "missing"
