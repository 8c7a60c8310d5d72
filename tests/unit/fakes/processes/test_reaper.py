from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from fakes.processes import pids
from fakes.processes.libc import remove_shared_memory
from fakes.processes.reaper import GRACE_PERIOD, TIMEOUT, Inventory


class World:
    """Processes as numbers, a clock that moves by sleeping, and every signal that was sent."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, births: dict[int, float], deaf: set[int]) -> None:
        self.births, self.deaf, self.now = births, deaf, 0.0
        self.sent: list[tuple[int, int]] = []
        monkeypatch.setattr(pids, "start_time", self.births.get)
        monkeypatch.setattr(os, "kill", self.kill)
        monkeypatch.setattr(pids, "programs_in", lambda folder, name: [])

    def kill(self, pid: int, number: int) -> None:
        self.sent.append((pid, number))
        if number == signal.SIGKILL or pid not in self.deaf:
            self.births.pop(pid, None)

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def reap(self, inventory: Inventory) -> bool:
        return inventory.reap(lambda: self.now, self.sleep)


def inventory(*told: dict[str, object]) -> Inventory:
    made = Inventory()
    for one in told:
        made.add(json.dumps(one).encode())
    return made


def process(pid: int, born: float, number: int = signal.SIGTERM) -> dict[str, object]:
    return {"pid": pid, "born": born, "signal": int(number)}


def test_each_process_gets_its_own_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, {10: 1.0, 11: 2.0}, set())
    assert world.reap(inventory(process(10, 1.0, signal.SIGQUIT), process(11, 2.0)))
    assert world.sent == [(10, signal.SIGQUIT), (11, signal.SIGTERM)]


def test_a_number_that_is_used_again_is_never_signalled(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, {10: 9.0}, set())
    assert world.reap(inventory(process(10, 1.0)))
    assert world.sent == []


def test_who_does_not_listen_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, {10: 1.0}, {10})
    assert world.reap(inventory(process(10, 1.0)))
    assert world.sent[0] == (10, signal.SIGTERM)
    assert world.sent[-1] == (10, signal.SIGKILL)
    assert GRACE_PERIOD < world.now < TIMEOUT


def test_it_gives_up_on_what_cannot_be_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, {10: 1.0}, set())
    monkeypatch.setattr(os, "kill", lambda pid, number: None)
    assert not world.reap(inventory(process(10, 1.0)))
    assert world.now >= TIMEOUT


def test_the_folder_is_removed_when_all_are_gone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    world = World(monkeypatch, {10: 1.0}, {10})
    folder = tmp_path / "stack"
    (folder / "postgres" / "data").mkdir(parents=True)
    there: list[bool] = []
    kill = world.kill

    def watched(pid: int, number: int) -> None:
        there.append(folder.exists())
        kill(pid, number)

    monkeypatch.setattr(os, "kill", watched)
    assert world.reap(inventory({"folder": str(folder)}, process(10, 1.0)))
    assert not folder.exists()
    assert len(there) > 1
    assert all(there)


def test_a_folder_that_was_never_made_is_no_failure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    world = World(monkeypatch, {}, set())
    assert world.reap(inventory({"folder": str(tmp_path / "stack")}))


def test_a_torn_line_is_left_out() -> None:
    made = inventory(process(10, 1.0))
    made.add(b'{"pid": 11, "bor')
    assert list(made.processes) == [(10, 1.0)]


def test_a_birth_is_the_same_at_every_look() -> None:
    assert pids.start_time(os.getpid()) == pids.start_time(os.getpid()) is not None
    assert pids.start_time(2**22 + 1) is None


def test_a_signal_needs_the_right_birth(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[int] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: sent.append(number))
    started = pids.start_time(os.getpid())
    assert started is not None
    assert not pids.send(os.getpid(), started - 1, signal.SIGTERM)
    assert pids.send(os.getpid(), started, signal.SIGTERM)
    assert sent == [signal.SIGTERM]


def test_only_programs_of_that_name_live_in_a_folder() -> None:
    here = Path.cwd()
    assert os.getpid() not in dict(pids.programs_in(here, "postgres"))


def test_there_is_no_shared_memory_to_remove_in_an_empty_folder(tmp_path: Path) -> None:
    remove_shared_memory(tmp_path / "postmaster.pid")


def test_a_cgroup_is_removed_once_it_is_empty(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    world = World(monkeypatch, {10: 1.0}, set())
    folders = [tmp_path / "memory", tmp_path / "cpu", tmp_path / "never-made"]
    for folder in folders[:2]:
        folder.mkdir()
    assert world.reap(inventory({"cgroup": [str(folder) for folder in folders]}, process(10, 1.0)))
    assert not any(folder.exists() for folder in folders)


def test_a_cgroup_that_is_held_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    world = World(monkeypatch, {}, set())
    (tmp_path / "held" / "inside").mkdir(parents=True)
    assert not world.reap(inventory({"cgroup": [str(tmp_path / "held")]}))
    assert world.now >= TIMEOUT
