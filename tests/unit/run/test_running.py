"""Which runs are under way: files that tell, and processes that are not taken for others."""

from __future__ import annotations

import json
import os
import signal
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from cli import stop
from common import ending
from common.errors import ConfigError
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


def test_one_that_was_refused_leaves_no_trace(tmp_path: Path) -> None:
    active_runs.announce(tmp_path, "a run that starts")
    active_runs.withdraw(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_one_that_was_refused_leaves_the_others(tmp_path: Path) -> None:
    active_runs.announce(tmp_path, "a run that starts")
    (tmp_path / ".running" / "1.json").write_text("another's")
    active_runs.withdraw(tmp_path)
    assert [file.name for file in (tmp_path / ".running").iterdir()] == ["1.json"]


def test_it_is_forgotten_when_the_run_breaks(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), active_runs.announced(tmp_path, tmp_path):
        raise RuntimeError
    assert active_runs.under_way(tmp_path) == []


@pytest.mark.parametrize(
    "other", [{"pid": 2**22 + 1}, {"ticks": 5}, {"ticks": 0}], ids=["gone", "younger", "never"]
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


def test_a_clock_that_is_set_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with active_runs.announced(tmp_path, tmp_path):
        now = time.time()
        monkeypatch.setattr(time, "time", lambda: now + 5)
        monkeypatch.setattr(psutil, "boot_time", lambda: now - 5)
        assert [one.pid for one in active_runs.under_way(tmp_path)] == [os.getpid()]


RUBBISH = (
    *("", "[]", "{}", "\x00", "7" * 5000, '{"pid": 1}', '{"pid": -1, "ticks": 1, "what": ""}'),
    *('{"pid": "x", "ticks": 1, "what": ""}', '{"pid": 4, "ticks": 1, "what": "", "signal": 9}'),
)


def test_files_that_are_not_ours_are_left_out(tmp_path: Path) -> None:
    (tmp_path / ".running").mkdir()
    for number, text in enumerate(RUBBISH):
        (tmp_path / ".running" / f"{number}.json").write_text(text)
    (tmp_path / ".running" / "folder.json").mkdir()
    assert active_runs.under_way(tmp_path) == []


def test_runs_of_a_checkout_that_is_read_only_are_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path / "tmp"))
    results = tmp_path / "results"
    results.write_text("no folder can be made here")
    with active_runs.announced(results, tmp_path / "run"):
        assert [one.what for one in active_runs.under_way(results)] == [str(tmp_path / "run")]
        assert active_runs.under_way(tmp_path / "another") == []
    assert active_runs.under_way(results) == []


def test_a_place_that_somebody_else_made_is_not_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / ".running").symlink_to(tmp_path / "theirs")
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path / "tmp"))
    with active_runs.announced(tmp_path, tmp_path / "run"):
        assert not list((tmp_path / "theirs").iterdir())
        assert len(active_runs.under_way(tmp_path)) == 1


class Runs:
    """Two runs; each ends so many looks after it was told."""

    def __init__(self, *looks: int) -> None:
        self.left = dict(zip((7, 8), looks, strict=False))
        self.told: list[int] = []
        self.names = {7: "results/a", 8: "results/b"}

    def under_way(self, results: Path) -> list[Running]:
        for pid in self.told:
            self.left[pid] -= 1
        return [Running(pid, 0, self.names[pid]) for pid, left in self.left.items() if left > 0]

    def tell(self, one: Running) -> None:
        self.told.append(one.pid)


def stopped(runs: Runs, monkeypatch: pytest.MonkeyPatch, *folders: str) -> int:
    clock = ManualClock()
    monkeypatch.setattr(active_runs, "under_way", runs.under_way)
    monkeypatch.setattr(active_runs, "tell", runs.tell)

    def sleep(seconds: float) -> None:
        clock.now += seconds

    return stop.end(folders, Path("results"), clock, sleep)


def test_each_run_is_told_once_and_waited_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = Runs(3, 5)
    assert stopped(runs, monkeypatch) == 0
    assert runs.told == [7, 8]
    assert capsys.readouterr().out.splitlines()[-1] == "ended: results/a, results/b"


def test_one_run_alone_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    runs = Runs(3, 5)
    assert stopped(runs, monkeypatch, "results/b") == 0
    assert runs.told == [8]
    assert capsys.readouterr().out.splitlines()[-1] == "ended: results/b"


def test_a_suite_is_told_with_the_run_that_it_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = Runs(3, 5)
    runs.names = {7: "results/s", 8: "results/s/01-burst"}
    assert stopped(runs, monkeypatch, "results/s") == 0
    assert runs.told == [7, 8]


def test_a_run_of_a_suite_is_told_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = Runs(10**6, 5)
    runs.names = {7: "results/s", 8: "results/s/01-burst"}
    assert stopped(runs, monkeypatch, "results/s/01-burst") == 0
    assert runs.told == [8]


def test_a_folder_in_which_nothing_is_under_way_is_refused_while_others_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runs = Runs(3, 5)
    with pytest.raises(ConfigError, match="in 'results/typo', allowed: results/a, results/b"):
        stopped(runs, monkeypatch, "results/typo")
    assert runs.told == []


def test_nothing_to_stop(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert stopped(Runs(), monkeypatch) == 0
    assert capsys.readouterr().out == "nothing is running\n"


def test_what_does_not_end_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert stopped(Runs(10**6), monkeypatch) == 3
    assert "still running after 120 s: results/a" in capsys.readouterr().err


def test_the_signal_is_none_that_ends_a_run_otherwise() -> None:
    assert ending.STOP not in ending.SIGNALS
    assert active_runs.ALLOWED == (ending.STOP, signal.SIGTERM)
