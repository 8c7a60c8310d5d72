"""A command under way for an assistant: followed, told of, ended when nobody waits any more."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from cli.assistant import load
from cli.assistant.load import Ended, LoadGoesOnError, LoadProgress, Loads
from cli.launch import attacks, local_workers
from run.request import RunRequest
from telemetry.run_folder.manifest import write
from telemetry.run_folder.series import Series, SeriesStep, SeriesWriter
from tests.support.manifest import manifest
from tests.support.manual_clock import ManualClock


class Child:
    """A process that goes on for so many looks, and then ends with `code`; a wish to end is heard at once."""

    def __init__(self, looks: int, code: int = 0, says: str = "done\n") -> None:
        self.looks, self.code, self.says = looks, code, says
        self.returncode: int | None = None
        self.heard: list[int] = []
        self.command: list[str] = []

    def started(self, command: Sequence[str], *, log: Path) -> Any:
        self.command = list(command)
        log.write_text(self.says)
        return self

    def poll(self) -> int | None:
        self.looks -= 1
        if self.looks < 0 or self.heard:
            self.returncode = self.code
        return self.returncode

    def send_signal(self, number: int) -> None:
        self.heard.append(number)

    def wait(self, timeout: float) -> int:
        if not self.heard:
            raise subprocess.TimeoutExpired("child", timeout)
        return self.code


async def pause(seconds: float) -> None:
    await asyncio.sleep(0)


def followed(child: Child, seen: Sequence[LoadProgress | None]) -> tuple[Ended, list[LoadProgress]]:
    """What follows from a child whose run shows these states."""
    told: list[LoadProgress] = []
    states = iter([*seen, *[None] * 99])

    async def tell(now: LoadProgress) -> None:
        told.append(now)

    loads = Loads(child.started, pause)
    ended = asyncio.run(loads.follow("burst", ["bin/x", "y"], lambda: next(states), tell))
    assert loads.busy == ""
    return ended, told


def test_a_command_is_run_to_its_end_and_its_last_line_is_known() -> None:
    child = Child(3, 2, "first\ncommand line: rate: 'x', allowed: number\n")
    assert followed(child, []) == (Ended(2, "command line: rate: 'x', allowed: number"), [])
    assert (child.command, child.heard) == (["bin/x", "y"], [])


def test_a_command_that_said_nothing() -> None:
    assert followed(Child(1, 3, ""), [])[0] == Ended(3, "it said nothing")


def test_progress_only_grows() -> None:
    states = [
        None,
        LoadProgress(0, 3, "a"),
        LoadProgress(0, 3, "b"),
        LoadProgress(2, 3, "c"),
        LoadProgress(1, 3, "d"),
        LoadProgress(3, 3, "e"),
    ]
    assert [one.text for one in followed(Child(9), states)[1]] == ["a", "c", "e"]


def test_nobody_waits_any_more_and_the_command_is_told_to_end() -> None:
    child = Child(10_000)

    async def leave() -> Loads:
        loads = Loads(child.started, pause)
        waiting = asyncio.create_task(loads.follow("burst", ["x"], lambda: None, _nothing))
        await asyncio.sleep(0)
        assert loads.busy == "burst is under way, allowed: one at a time"
        with pytest.raises(LoadGoesOnError, match="burst is under way"):
            await loads.follow("health", ["y"], lambda: None, _nothing)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        return loads

    assert asyncio.run(leave()).busy == ""
    assert child.heard == [load.END]
    assert child.command == ["x"]  # the second was never started


def test_no_load_starts_beside_what_a_comparison_computes() -> None:
    child = Child(1)
    loads = Loads(child.started, pause, lambda: "a comparison is being made")
    with pytest.raises(LoadGoesOnError, match="a comparison is being made"):
        asyncio.run(loads.follow("burst", ["x"], lambda: None, _nothing))
    assert child.command == []


async def _nothing(now: LoadProgress) -> None:
    """Tell nobody."""


def test_a_server_that_ends_sees_its_command_out() -> None:
    child = Child(10_000)

    async def begin(loads: Loads) -> None:
        waiting = asyncio.create_task(loads.follow("burst", ["x"], lambda: None, _nothing))
        await asyncio.sleep(0)
        child.heard.clear()
        loads.see_out()
        waiting.cancel()

    loads = Loads(child.started, pause)
    loads.see_out()  # nothing is under way
    asyncio.run(begin(loads))
    assert child.heard[0] == load.END


class UnderWay(Child):
    """An attack of several in a row, amid which the wish to end reaches the command that leads them."""

    def wait(self, timeout: float = 0.0) -> int:
        signal.raise_signal(load.END)
        return self.code


def test_the_wish_to_end_reaches_the_attack_of_several_that_is_under_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = UnderWay(10_000)
    monkeypatch.setattr(local_workers, "start", lambda command, log=None: child)
    monkeypatch.setattr(attacks, "RESULTS", tmp_path / "results")
    file = tmp_path / "mine.yaml"
    file.write_text("name: mine\nbase_url: http://127.0.0.1:9\n")
    with attacks.Attacks(tmp_path, lambda line: None) as leading:
        leading.run(RunRequest("single-burst", target=str(file), duration="2s").check())
    assert leading.stopped
    assert child.heard == [load.END]


def test_how_far_a_run_is_stands_in_its_ledgers(tmp_path: Path) -> None:
    assert load.of_run(tmp_path) is None
    write(tmp_path, manifest(duration_s=10.0))
    assert load.of_run(tmp_path) is None
    for worker, sent in (("a", 30), ("b", 12)):
        rows = [
            {"t": 1.0, "planned": 5, "sent": 5},
            {"t": 4.0, "planned": sent, "sent": sent, "in_flight": 2},
        ]
        (tmp_path / f"ledger-{worker}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = load.of_run(tmp_path)
    assert found is not None
    assert found[:2] == (4.0, 10.0)
    assert found.text.startswith("4 s of 10 s, 6 s left planned 42 sent 42 in flight 4")


def test_how_far_several_runs_are_stands_in_their_series(tmp_path: Path) -> None:
    clock = ManualClock(1000.0)

    def seen() -> LoadProgress | None:
        return load.of_series(tmp_path, clock)

    assert seen() is None
    steps = tuple(SeriesStep(name=name, expected_s=60.0) for name in ("burst", "health"))
    told = Series(command="plan", title="quick", page="plan.html", started=1000.0, steps=steps)
    writer = SeriesWriter(tmp_path, told, clock)
    writer.begins(0)
    clock.now += 60
    writer.ended(0, 1)
    writer.begins(1)
    clock.now += 30
    assert seen() == LoadProgress(75, 100, "1 of 2 are over, health goes on, about 30 s left")
    writer.ended(1, 0)
    assert seen() == LoadProgress(100, 100, "2 of 2 are over, about 0 s left")
    (tmp_path / "series.json").write_text("{}")
    assert seen() is None  # somebody's else
