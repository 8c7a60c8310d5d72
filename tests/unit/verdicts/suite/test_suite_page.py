"""A suite's page: what stands at its head, its plots over the runs, what of a run is folded."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from markupsafe import escape

from tests.support.plan_folder import found, point
from verdicts.points.registry import question
from verdicts.suite import page, suite, suite_figures
from verdicts.suite.suite import SuiteRun


def told(ok: int = 90, refused: int = 6, errors: int = 3, **more: Any) -> dict[str, Any]:
    """A verdicts.json of 100 calls sent, those that are left over aborted."""
    points = more.pop("points", [point("P1.7", 24.1), point("P1.8", 9.0, "fail")])
    books = {"ok": ok, "failed": refused + errors, "aborted": 100 - ok - refused - errors}
    document = found(points, **more)
    document["arrivals"] |= books
    return document | {
        "refusals": {"burst_exceeded": refused}, "errors": {"timeout": errors},
        "response_ms": {"p50": 10.0, "p95": 20.0 + errors, "p99": 30.0, "max": 40.0},
    }  # fmt: skip


def entries(*runs: tuple[str, dict[str, Any]]) -> list[SuiteRun]:
    return [SuiteRun(name, f"01-{name}", 1 if document else 3, document) for name, document in runs]


def test_the_head_tells_targets_load_and_which_run_had_which_protections() -> None:
    runs = {
        "burst": told(started="2026-11-24T10:05:00Z", duration_s=60.0),
        "health": told(preset="", protections=[]),
        "lost": {},
    }
    facts = page.facts(runs)
    assert facts.targets == ["bundled"]
    assert facts.load_s == 80.0
    assert facts.started == "2026-11-24T10:00:00Z"
    assert facts.protections == {"today": ["burst"], "": ["health"]}


def test_a_suite_without_a_verdict_has_an_empty_head_and_no_plot() -> None:
    assert page.facts({"lost": {}}) == page.SuiteFacts("", [], 0.0, {})
    assert suite_figures.figures({"lost": {}}) == []


def test_shares_of_the_calls_sent_make_a_hundred_percent() -> None:
    outcomes, response = suite_figures.figures({"a": told(), "lost": {}, "b": told(ok=40, errors=50)})
    shares = {name: values for name, (_, values) in outcomes.series.items()}
    assert shares == {"ok": [90, 40], "refused": [6, 6], "errors": [3, 50], "aborted": [1, 4]}
    assert "b: 40 %" in outcomes.summary
    assert response.series["p95"][1] == [23.0, 70.0]
    assert "b: 70 ms" in response.summary


def test_the_table_has_every_number_that_is_drawn() -> None:
    [outcomes, _] = suite_figures.figures({"a": told(refused=0, errors=10)})
    assert outcomes.table == (["run", "ok, %", "errors, %"], [["a", "90", "10"]])
    assert [bar["x"] for bar in outcomes.spec["data"]] == [[90], [10]]


def test_a_run_without_a_successful_call_has_no_time() -> None:
    nothing = told(ok=0, refused=50, errors=50) | {"response_ms": dict.fromkeys(("p50", "p95", "p99", "max"))}
    assert [figure.id for figure in suite_figures.figures({"a": nothing})] == ["outcomes"]
    assert len(suite_figures.figures({"a": nothing, "b": told()})) == 2


def test_what_is_wrong_stands_open_and_the_rest_is_folded(tmp_path: Path) -> None:
    suite.write(tmp_path, "phase1", entries(("burst", told())), ["burst"])
    html = (tmp_path / "suite.html").read_text()
    before, folded = html.split("<summary>All 2 answers", 1)
    assert re.findall(r'<span class="id">(P[\d.]+)</span>', before) == ["P1.8"]
    assert re.findall(r'<span class="id">(P[\d.]+)</span>', folded) == ["P1.7", "P1.8"]
    assert 'id="plot-outcomes"' in before


def test_a_part_of_a_point_with_one_dot_has_its_points_question(tmp_path: Path) -> None:
    answers = [point("C1", 1), point("C1.kept", 2), point("P1.6.cpu", 3.0), point("X9", 4)]
    suite.write(tmp_path, "all", entries(("user-limiter", told(points=answers))), ["user-limiter"])
    asked = re.findall(r'<span class="id">([\w.]+)</span> (.*?)<p', (tmp_path / "suite.html").read_text())
    assert asked == [(one["id"], escape(question(one["id"], "en"))) for one in answers]
    assert asked[0][1] == asked[1][1] != ""


def test_a_broken_bound_is_not_shown_as_one_that_holds(tmp_path: Path) -> None:
    late = {**point("P1.7", 2000.3, "fail"), "threshold": "p95 <= 2 s"}
    few = {**point("P1.8", 98.996, "fail"), "threshold": "success >= 99 %"}
    held = {**few, "id": "P1.6", "status": "pass"}
    suite.write(tmp_path, "phase1", entries(("burst", told(points=[late, few, held]))), ["burst"])
    html = (tmp_path / "suite.html").read_text()
    shown = re.findall(r'<td class="value" data-label="Answer"><b>(.*?)</b>', html)
    assert shown == ["2,000.3", "98.996", "2,000.3", "98.996", "99"]
