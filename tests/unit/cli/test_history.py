"""`bin/resilience history`: which pages it writes, what it refuses; `make history` calls it."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from cli.history import main
from common.paths import ROOT
from tests.support.history_runs import KEY, kept, made
from verdicts.history import store


@pytest.fixture
def history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(store.VARIABLE, str(tmp_path / "history"))
    return tmp_path / "history"


def test_every_series_and_those_of_one_scenario(history: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept(history, made(24, steps={20: {"p95": 1.3}}))
    others = made(2, key=KEY._replace(scenario="health"))
    kept(history, [replace(one, run=f"health-{one.run}") for one in others])
    assert main([]) == 0
    assert "16 figures of 2 series, 26 runs." in capsys.readouterr().out
    assert main(["burst"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("Changes: 1 for the worse; 8 figures of 1 series, 24 runs.")
    assert said[-1] == f"  report: {history / 'burst' / 'history.html'}"
    for folder in (history, history / "burst"):
        assert {one.name for one in folder.glob("history.*")} == {
            "history.html",
            "history.md",
            "history.json",
        }
    assert "health" in (history / "history.md").read_text()
    assert "health" not in (history / "burst" / "history.md").read_text()


def refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(words) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    return said.err


def test_what_it_refuses_is_one_line(history: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert f"command line: history: {history}: holds no run, allowed: after a valid run" in refused(
        [], capsys
    )
    kept(history, made(1))
    assert "command line: scenario: 'brust' is not there, did you mean burst?" in refused(["brust"], capsys)
    assert "unrecognized arguments: --rate=3; bin/resilience history --help" in refused(["--rate=3"], capsys)
    (history / store.FILE).write_text("broken " * 100)
    assert "runs.sqlite: cannot be read: file is not a database, allowed" in refused([], capsys)


def test_a_page_that_cannot_be_written_is_ours(history: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept(history, made(2))
    (history / "burst").touch()
    assert main(["burst"]) == 3
    assert capsys.readouterr().err.startswith("history: a limit of this machine: ")


@pytest.mark.parametrize(("given", "words"), [([], ""), (["SCENARIO=slow-api"], " 'slow-api'")])
def test_make_calls_it(given: list[str], words: str) -> None:
    done = subprocess.run(
        ["make", "--dry-run", "history", *given], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1].rstrip() == f"bin/resilience history{words}"
