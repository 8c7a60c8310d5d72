"""What an assistant may read: scenarios, verdicts, points, a plan's answers; bad names are one line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from cli.assistant import documents, stored
from common.errors import ConfigError
from common.paths import ROOT
from scenarios import load as scenarios
from tests.support import plan_folder

GOLDEN = ROOT / "tests" / "golden" / "fail-verdicts.json"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A folder of results with one judged run, which is the latest."""
    run = tmp_path / "20260101-000000-burst"
    run.mkdir()
    shutil.copy(GOLDEN, run / "verdicts.json")
    (run / "run.json").write_text("{}")
    (run / "report.html").write_text("<!doctype html>")
    (tmp_path / "latest").symlink_to(run)
    return tmp_path


def test_every_scenario_is_listed() -> None:
    found = stored.scenario_list().scenarios
    assert [one.name for one in found] == scenarios.names()
    burst = next(one for one in found if one.name == "burst")
    assert (burst.priority, burst.duration_s, burst.variant_of) == ("P1", 60, None)
    assert "P1.7" in burst.points


def test_a_scenario_is_described_by_what_it_sends_and_asks() -> None:
    found = stored.scenario("burst")
    assert (found.accounts, found.requests, found.protections) == (100, 30_000, "today")
    assert 490 <= found.most_in_a_second <= 510
    assert next(one for one in found.points if one.id == "P1.7").bound == "p95 <= 2 s"
    assert "burst-slow" in found.variants


def test_a_verdict_is_that_of_the_file(results: Path) -> None:
    told: dict[str, Any] = json.loads(GOLDEN.read_text())
    for name in ("latest", "20260101-000000-burst"):
        found = stored.verdict(name, 1, results)
        assert found.run == "20260101-000000-burst"
        assert found.report == "resilience://runs/20260101-000000-burst/report.html"
        assert (found.verdict, found.exit_code, found.arrivals) == ("fail", 1, told["arrivals"])
        assert [(one.id, one.value, one.status) for one in found.points] == [
            (one["id"], one["value"], one["status"]) for one in told["points"]
        ]


def test_a_point_is_explained_with_and_without_a_run(results: Path) -> None:
    told = json.loads(GOLDEN.read_text())
    id = next(one["id"] for one in told["points"] if one["id"].startswith("P"))
    bare = stored.point(id)
    assert (bare.run, bare.findings) == (None, [])
    assert stored.point("P1.7").bounds["burst"] == "p95 <= 2 s"
    found = stored.point(id, "latest", results)
    assert found.findings == [one for one in told["points"] if one["id"].split(".")[:2] == id.split(".")[:2]]


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (
            lambda results: stored.scenario("brust"),
            "argument: scenario: 'brust' is not there, did you mean burst?",
        ),
        (lambda results: stored.scenario("/etc/passwd"), "'/etc/passwd' is not there"),
        (lambda results: stored.point("P9.9"), "argument: point: 'P9.9' is not there"),
        (
            lambda results: stored.verdict("../x", results=results),
            "has no verdicts.json, allowed: latest, or 2026",
        ),
        (lambda results: stored.point("P1.7", "nowhere", results), "'nowhere' has no verdicts.json"),
        (lambda results: stored.plan(results=results), "no plan was run yet, allowed: run_plan first"),
        (lambda results: stored.plan("../x", results), "has no plan.json"),
        (lambda results: documents.report("../../etc/passwd", results), "has no report.html"),
    ],
)
def test_a_bad_name_is_one_line_with_what_is_allowed(results: Path, ask: Any, words: str) -> None:
    with pytest.raises(ConfigError) as refused:
        ask(results)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_plan_answers_its_questions(results: Path) -> None:
    points = [plan_folder.point("P1.7", 240, "fail", "ms (p95)"), plan_folder.point("P1.8", 0.0, "pass", "%")]
    runs = [(plan_folder.planned("burst", ["P1.7", "P1.8"]), plan_folder.found(points))]
    plan_folder.write(results / "a-plan", runs)
    found = stored.plan(results=results)
    assert (found.plan, found.mode, found.exit_code) == ("a-plan", "quick", 1)
    told = {one.id: one for one in found.questions}
    assert (told["P1.7"].state, told["P1.7"].status, told["P1.7"].values) == (
        "answered",
        "fail",
        ["240 ms (p95)"],
    )
    assert (told["P0.1"].state, told["P0.1"].values) == ("not asked", [])
    assert found == stored.plan("a-plan", results)


def test_reports_and_pages_can_be_read(results: Path) -> None:
    assert documents.report("latest", results) == "<!doctype html>"
    assert json.loads(documents.verdicts("latest", results))["verdict"] == "fail"
    pages = {one.uri: one for one in documents.pages()}
    assert pages["resilience://docs/README.md"].title.startswith("Load-resilience suite")
    assert pages["resilience://docs/scenarios/db-pool.md"].file.is_file()
    assert len(pages) == len(list(documents.pages()))
