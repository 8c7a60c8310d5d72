"""Which runs are under way: files that tell, and processes that are not taken for others."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from cli import stop
from run import active_runs
from run.active_runs import Running
from tests.support.manual_clock import ManualClock


def test_a_run_is_known_for_as_long_as_it_runs(tmp_path: Path) -> None:
    assert active_runs.under_way(tmp_path) == []
    with active_runs.announced(tmp_path, tmp_path / "run"):
        (one,) = active_runs.under_way(tmp_path)
        assert (one.pid, one.what) == (os.getpid(), str(tmp_path / "run"))
    assert active_runs.under_way(tmp_path) == []
    assert not list((tmp_path / ".running").iterdir())


def test_it_is_forgotten_when_the_run_breaks(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), active_runs.announced(tmp_path, tmp_path):
        raise RuntimeError
    assert active_runs.under_way(tmp_path) == []


@pytest.mark.parametrize(
    "other",
    [{"pid": 2**22 + 1}, {"started": 5.0}, {"command": ["sleep", "60"]}],
    ids=lambda one: next(iter(one)),
)
def test_another_process_of_that_number_is_left_alone(
    tmp_path: Path, other: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    killed: list[int] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: killed.append(pid))
    with active_runs.announced(tmp_path, tmp_path):
        (file,) = (tmp_path / ".running").iterdir()
        file.write_text(json.dumps({**json.loads(file.read_text()), **other}))
        (one,) = [found for found in [active_runs._read(file)] if found]
        active_runs.tell(one)
        assert active_runs.under_way(tmp_path) == []
        assert not file.exists()
    assert killed == []


def test_files_that_are_not_ours_are_left_out(tmp_path: Path) -> None:
    (tmp_path / ".running").mkdir()
    for number, text in enumerate(("", "[]", "{}", '{"pid": 1}', "\x00")):
        (tmp_path / ".running" / f"{number}.json").write_text(text)
    assert active_runs.under_way(tmp_path) == []


class Runs:
    """Two runs; each ends so many looks after it was told."""

    def __init__(self, *looks: int) -> None:
        self.left = dict(zip((Path("a"), Path("b")), looks, strict=False))
        self.told: list[Path] = []

    def under_way(self, results: Path) -> list[Running]:
        for file in self.told:
            self.left[file] -= 1
        return [Running(file, 7, 0.0, [], f"results/{file}") for file, left in self.left.items() if left > 0]

    def tell(self, one: Running) -> None:
        self.told.append(one.file)


def stopped(runs: Runs, monkeypatch: pytest.MonkeyPatch, *folders: str) -> int:
    clock = ManualClock()
    monkeypatch.setattr(active_runs, "under_way", runs.under_way)
    monkeypatch.setattr(active_runs, "tell", runs.tell)

    def sleep(seconds: float) -> None:
        clock.now += seconds

    return stop.main(folders, Path("results"), clock, sleep)


def test_each_run_is_told_once_and_waited_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = Runs(3, 5)
    assert stopped(runs, monkeypatch) == 0
    assert runs.told == [Path("a"), Path("b")]
    assert capsys.readouterr().out.splitlines()[-1] == "ended: results/a, results/b"


def test_one_run_alone_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    runs = Runs(3, 5)
    assert stopped(runs, monkeypatch, "results/b") == 0
    assert runs.told == [Path("b")]
    assert capsys.readouterr().out.splitlines()[-1] == "ended: results/b"


def test_nothing_to_stop(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert stopped(Runs(), monkeypatch) == 0
    assert capsys.readouterr().out == "nothing is running\n"


def test_what_does_not_end_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert stopped(Runs(10**6), monkeypatch) == 3
    assert "still running after 120 s: results/a" in capsys.readouterr().err


def test_the_signal_is_none_that_ends_a_run_otherwise() -> None:
    assert active_runs.SIGNAL not in (signal.SIGINT, signal.SIGTERM)
