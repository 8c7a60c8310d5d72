"""`make flush` over runs of whatever shape: one that cannot be read is named, and costs no other one."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from telemetry.delivery.spool import Spool
from telemetry.exporter import flush, process
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


@pytest.mark.parametrize("place", ["a", "s/01-a", "s/.work/a.1"])
def test_a_run_of_a_suite_is_read_again_too_and_by_one_name(
    results: Path, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    put(results / place, CUT_OFF)  # and no manifest
    (results / "latest").symlink_to(results / place)
    assert flush.main(["--results", str(results)]) == 0
    said = capsys.readouterr().err
    assert said.startswith(f"telemetry: {results / place} cannot be read again: ")
    assert said.count("\n") == 1


def test_a_run_that_finds_no_room_in_the_spool_is_not_taken_for_read(
    results: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put(results / "a", CUT_OFF)
    sink = SimpleNamespace(name="a database", place="influx", close=lambda: None)
    sink.encode = lambda points: [["x", "y"]]
    monkeypatch.setattr(flush, "opened", lambda env: [sink])
    monkeypatch.setattr("telemetry.exporter.flush.manifest.read", lambda folder: None)
    monkeypatch.setattr(flush, "Export", lambda *_: SimpleNamespace(finish=list))
    monkeypatch.setattr(flush, "Spool", partial(Spool, max_bytes=0))
    assert flush.main(["--results", str(results)]) == 1
    assert json.loads((results / "a" / COUNTS).read_text()) == CUT_OFF
    said = capsys.readouterr()
    assert said.err == f"telemetry: {results / 'a'}: no room in the spool for 2 points of it\n"
    assert "0 points sent, 0 left, 0 cut-off runs read again" in said.out


@pytest.mark.parametrize(
    ("place", "reader"),
    [
        ("results/a", "make flush"),
        ("results/s/01-a", "make flush"),
        ("results/a/b/c/d", "python -m telemetry.exporter --run {}"),
        ("elsewhere/a", "python -m telemetry.exporter --run {}"),
    ],
)
def test_who_reads_a_run_again_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, reader: str
) -> None:
    monkeypatch.setattr(process, "RESULTS", tmp_path / "results")
    assert process._reader(tmp_path / place) == reader.format(tmp_path / place)


def test_a_failure_of_ours_is_one_line_and_not_what_is_left(
    results: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def none(*_: object) -> int:
        raise MemoryError

    monkeypatch.setattr(flush, "_flush", none)
    assert flush.main(["--results", str(results)]) == 3
    assert capsys.readouterr().err == "a limit of this machine: no memory is left\n"
