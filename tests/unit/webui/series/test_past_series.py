"""Suites and their like in the results folder; which of its pages are served."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from telemetry.run_folder.series import Series, SeriesStep, SeriesWriter
from webui.series import past


def page(results: Path, path: str, at: float = 1.0) -> Path:
    file = results / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("<html>")
    os.utime(file, (at, at))
    return file


def test_they_are_listed_newest_first_with_their_time(tmp_path: Path) -> None:
    page(tmp_path, "old-compare/compare.html", 1.0)
    page(tmp_path, "new-suite/suite.html", 2.0)
    steps = (
        SeriesStep(name="a", began=0.0, took_s=20.0, exit_code=1),
        SeriesStep(name="b", began=20.0, took_s=40.0, exit_code=0),
        SeriesStep(name="c"),
    )
    told = Series(command="suite", title="phase1", page="suite.html", started=7.0, steps=steps)
    SeriesWriter(tmp_path / "new-suite", told, lambda: 0.0).over(3)
    first, second = past.listed(tmp_path)
    assert (first.folder, first.command, first.title, first.started) == ("new-suite", "suite", "phase1", 7.0)
    assert (first.runs, first.took_s, first.exit_code) == (2, 60.0, 3)
    assert (second.folder, second.command, second.page) == ("old-compare", "compare", "compare.html")
    assert (second.runs, second.exit_code) == (None, None)


def test_runs_and_what_has_no_page_are_not_listed(tmp_path: Path) -> None:
    page(tmp_path, "run/report.html")
    (tmp_path / "suite-under-way").mkdir()
    (tmp_path / "x.log").touch()
    assert past.listed(tmp_path) == []
    assert past.listed(tmp_path / "nowhere") == []


@pytest.mark.parametrize(
    "path",
    [
        "s/suite.html",
        "s/01-burst/report.html",
        "c/a/c-a1/report.html",
        "b/001-today+x-4_5/report.html",
        "p/plan.html",
        "history/history.html",
        "history/burst/history.html",
    ],
)
def test_a_series_and_the_reports_of_its_runs_are_served(tmp_path: Path, path: str) -> None:
    file = page(tmp_path, path)
    assert past.page(tmp_path, path) == file


@pytest.mark.parametrize(
    "path",
    ["s/../../secret/report.html", "../report.html", "s/run.log", "s/verdicts.json", "report.html",
     "s//report.html",
     ".running/report.html", "s/.x/report.html", "/etc/report.html", "a/b/c/d/e/report.html", ""],
)  # fmt: skip
def test_nothing_else_is(tmp_path: Path, path: str) -> None:
    results = tmp_path / "results"
    for name in ("s/run.log", "s/verdicts.json", "report.html", ".running/report.html", "s/.x/report.html"):
        page(results, name)
    page(results, "a/b/c/d/e/report.html")
    page(tmp_path, "secret/report.html")
    page(tmp_path, "report.html")
    assert past.page(results, path) is None


def test_a_link_out_of_the_results_leads_nowhere(tmp_path: Path) -> None:
    page(tmp_path, "outside/report.html")
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "run").symlink_to(tmp_path / "outside")
    assert past.page(tmp_path / "results", "run/report.html") is None
