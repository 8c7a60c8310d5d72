"""`make flush` over runs of whatever shape: one that cannot be read is named, and costs no other one."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from telemetry.exporter import flush
from telemetry.exporter.exporter import COUNTS

CUT_OFF = {"sinks": [{"place": "influx", "queue": "q1"}]}


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of runs, with a database that takes nothing."""
    sink = SimpleNamespace(name="a database", place="influx", close=lambda: None)
    monkeypatch.setattr(flush, "opened", lambda env: [sink])
    monkeypatch.setattr(flush, "check", lambda env: [])
    monkeypatch.setattr(flush, "spool_root", lambda env: tmp_path / "spool")
    return tmp_path / "results"


def put(folder: Path, told: object) -> None:
    folder.mkdir(parents=True)
    (folder / COUNTS).write_text(told if isinstance(told, str) else json.dumps(told))


@pytest.mark.parametrize(
    "told",
    [[1], {"sinks": 5}, {"sinks": [5]}, {"sinks": [{}]}, CUT_OFF, {"sinks": [{"place": "influx"}]}],
    ids=str,
)
def test_a_run_of_another_shape_is_named(
    results: Path, told: object, capsys: pytest.CaptureFixture[str]
) -> None:
    put(results / "a", told)
    put(results / "b", "{")  # torn: as if it were not there
    put(results / "c", {"finished": True})
    assert flush.main(["--results", str(results)]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("telemetry: a database: 0 points sent, 0 left, 0 cut-off runs")
    assert said.err.startswith(f"telemetry: {results / 'a'} cannot be read again: ")
    assert said.err.count("\n") == 1


def test_a_failure_of_ours_is_one_line_and_not_what_is_left(
    results: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def none(*_: object) -> int:
        raise MemoryError

    monkeypatch.setattr(flush, "_flush", none)
    assert flush.main(["--results", str(results)]) == 3
    assert capsys.readouterr().err == "a limit of this machine: no memory is left\n"
