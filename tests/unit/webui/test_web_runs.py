"""Past runs, reports that are served, and the rows of our tabs, from files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from common.paths import ROOT
from webui import runs, tabs, words
from webui.live import moment

GOLDEN = ROOT / "tests" / "golden" / "fail-verdicts.json"


def judged(results: Path, name: str) -> Path:
    folder = results / name
    folder.mkdir(parents=True)
    (folder / "run.json").write_text("{}")
    (folder / "verdicts.json").write_bytes(GOLDEN.read_bytes())
    (folder / "report.html").write_text("<p>the report")
    return folder


def test_runs_are_listed_with_their_verdicts(tmp_path: Path) -> None:
    judged(tmp_path, "a-run")
    (tmp_path / "no-run").mkdir()
    (tmp_path / "latest").symlink_to(tmp_path / "a-run")
    [run] = runs.listed(tmp_path)
    assert (run.name, run.verdict, run.has_report) == ("a-run", "fail", True)
    assert run.points[0]["id"] == "arrival"


def test_an_unjudged_or_torn_run_is_still_named(tmp_path: Path) -> None:
    folder = judged(tmp_path, "torn")
    (folder / "verdicts.json").write_text('{"scenario": "bu')
    (judged(tmp_path, "unjudged") / "verdicts.json").unlink()
    assert {(run.name, run.verdict) for run in runs.listed(tmp_path)} == {("torn", ""), ("unjudged", "")}
    assert runs.listed(tmp_path / "nowhere") == []


def test_a_verdict_written_anew_is_read_anew(tmp_path: Path) -> None:
    folder = judged(tmp_path, "run")
    assert runs.read(folder).verdict == "fail"
    told = json.loads(GOLDEN.read_text())
    (folder / "verdicts.json").write_text(json.dumps({**told, "verdict": "pass"}))
    assert runs.read(folder).verdict == "pass"


def test_a_report_that_is_written_after_its_verdict_is_there_then(tmp_path: Path) -> None:
    folder = judged(tmp_path, "run")
    (folder / "report.html").unlink()
    assert not runs.read(folder).has_report  # somebody looks between the two files
    (folder / "report.html").write_text("<p>the report")
    assert (runs.read(folder).verdict, runs.read(folder).has_report) == ("fail", True)


def test_a_report_is_served_from_the_results_alone(tmp_path: Path) -> None:
    results = tmp_path / "results"
    folder = judged(results, "run")
    assert runs.page(results, "run") == folder / "report.html"
    outside = judged(tmp_path, "outside")
    (results / "link").symlink_to(outside)
    (results / "file").mkdir()
    (results / "file" / "report.html").symlink_to(outside / "report.html")
    for name in (
        "link",
        "file",
        "nothing",
        "..",
        ".",
        "",
        "../outside",
        "run/../../outside",
        "run\0",
        "/etc",
    ):
        assert runs.page(results, name) is None, name


def test_no_run_is_shown_as_none() -> None:
    now = moment.snapshot(None)
    assert (now.state, now.going, now.share) == ("idle", False, 0.0)
    assert tabs.arrivals(now)[0]["figure"] == "No run yet"


def test_the_verdict_tab_has_every_point(tmp_path: Path) -> None:
    rows = tabs.verdict(runs.read(judged(tmp_path, "run")))
    assert (rows[0]["point"], rows[0]["value"]) == ("verdict", "fail")
    assert rows[1]["value"] == "100 % of planned sent"
    assert tabs.verdict(runs.PastRun("none")) == []


def test_every_row_has_every_column(tmp_path: Path) -> None:
    run = runs.read(judged(tmp_path, "run"))
    for key, rows in (
        ("arrivals", tabs.arrivals(moment.Moment())),
        ("verdict", tabs.verdict(run)),
        ("runs", tabs.runs([run], "")),
    ):
        assert all(set(row) == set(tabs.STRUCTURE[key]) for row in rows), key


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        ("", "–"),
        (0, "0"),
        (12345.6, "12,346"),
        (0.00412, "0.00412"),
        ("HTTP 503", "HTTP 503"),
        (True, "True"),
    ],
)
def test_figures_read_well(value: object, shown: str) -> None:
    assert words.figure(value) == shown


@pytest.mark.parametrize(("status", "shown"), [("fail", "98.996 %"), ("pass", "99 %")])
def test_a_broken_bound_does_not_read_as_one_that_holds(status: str, shown: str) -> None:
    point = {"value": 98.996, "unit": "%", "status": status, "threshold": "success >= 99 %"}
    assert words.measured(point) == shown
