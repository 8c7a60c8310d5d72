"""What runs in a row are told: checked once each, by their command line alone, nothing by the environment."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cli import attack, suite
from cli.__main__ import COMMANDS, PROGRAMS, main
from cli.launch import attacks, local_workers
from cli.launch.locust import launch
from common.paths import ROOT
from run import active_runs
from run.checks import preflight
from run.request import RunRequest

SHIMS = (
    *("attack", "suite", "plan", "breakpoint", "tune", "metastable", "compare"),
    *("check_target", "stop", "worker"),
)
SLIPPED = {"RATE": "2", "ACCOUNTS": "5", "OUT": "elsewhere", "SEED": "9", "PROTECT": "all"}


class Child:
    """A run that is over at once."""

    def wait(self) -> int:
        return 0


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[list[str], dict[str, str]]]:
    """The (command, environment) of every process that runs are started in."""
    found: list[tuple[list[str], dict[str, str]]] = []

    def start(command: Sequence[str], log: Any = None) -> Child:
        found.append((list(command), dict(os.environ)))
        return Child()

    monkeypatch.setattr(local_workers, "start", start)
    monkeypatch.setattr(attacks, "RESULTS", tmp_path / "results")
    monkeypatch.setenv("STACK_STATE", "/elsewhere/state.json")  # somebody's stack: none is started
    return found


def set_all(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


def test_a_suite_takes_from_the_environment_what_it_takes_and_its_runs_take_nothing(
    started: list[tuple[list[str], dict[str, str]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_all(monkeypatch, **SLIPPED, BASELINE="/nowhere", DURATION_SCALE="2")
    suite.main(["phase1", "--seed=3", f"--out={tmp_path / 'out'}"])
    assert len(started) == 3
    for number, (command, environment) in enumerate(started, 1):
        assert command[:2] == [str(ROOT / "bin" / "resilience"), "launch"]
        name = command[2]
        assert set(command[3:]) == {
            "--target=bundled", "--seed=3", "--duration-scale=2", "--workers=0",
            f"--out={tmp_path / 'out' / f'{number:02d}-{name}'}",
        }  # fmt: skip
        assert environment.keys().isdisjoint({*SLIPPED, "BASELINE", "DURATION_SCALE"})


def test_each_run_of_a_suite_is_checked_once_by_it(
    started: list[tuple[list[str], dict[str, str]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []
    check = preflight.check

    def counted(scenario: Any, target: Any, file: Any) -> None:
        checked.append(scenario.name)
        check(scenario, target, file)

    monkeypatch.setattr(preflight, "check", counted)
    suite.main(["phase1", f"--out={tmp_path / 'out'}"])
    assert checked == [command[2] for command, _ in started] == ["single-burst", "rate-limit", "health"]


def test_a_signal_that_comes_while_a_run_is_being_started_reaches_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("STACK_STATE", "/elsewhere/state.json")  # somebody's stack: none is started
    told: list[int] = []
    made = attacks.Attacks(tmp_path, lambda line: None)

    def start(command: Sequence[str], log: Any = None) -> Any:
        made._on_signal(signal.SIGINT, None)
        return SimpleNamespace(send_signal=told.append, wait=lambda: 3)

    monkeypatch.setattr(local_workers, "start", start)
    assert made.run(RunRequest("burst").read()) == 3
    made._on_signal(signal.SIGINT, None)
    assert (told, made.stopped) == ([signal.SIGINT], True)


@pytest.fixture
def became(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], dict[str, str]]]:
    found: list[tuple[list[str], dict[str, str]]] = []
    monkeypatch.setattr(os, "execv", lambda path, command: found.append((command, dict(os.environ))))
    return found


def test_an_attack_takes_from_the_environment_what_it_takes_and_locust_takes_nothing(
    became: list[tuple[list[str], dict[str, str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    set_all(monkeypatch, **SLIPPED, DURATION_SCALE="2")
    attack.main(["burst"])
    ((command, environment),) = became
    assert command[7:] == ["burst", "--target=bundled", "--duration-scale=2"]
    assert environment.keys().isdisjoint({*SLIPPED, "DURATION_SCALE"})


def test_launching_checks_nothing_again(
    became: list[tuple[list[str], dict[str, str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def checked(*_: Any) -> None:
        raise AssertionError("checked again")

    monkeypatch.setattr(preflight, "check", checked)
    main(["launch", "burst", "--seed=3"])
    ((command, _),) = became
    assert command[7:] == ["burst", "--target=bundled", "--seed=3"]


class Master:
    """A master that looks who is under way before it is over; its process is this one."""

    pid = os.getpid()

    def __init__(self, results: Path) -> None:
        self.seen: list[str] = []
        self._results = results

    def wait(self, timeout: float | None = None) -> int:
        self.seen += [one.what for one in active_runs.under_way(self._results) if one.pid == self.pid]
        return 0

    def poll(self) -> int:
        return 0


@pytest.mark.parametrize(("out", "what"), [("", "a run that starts"), ("/somewhere/run", "/somewhere/run")])
def test_a_run_with_workers_is_known_before_its_master_has_begun(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, out: str, what: str
) -> None:
    monkeypatch.setenv("LOCUST_LOGLEVEL", "WARNING")
    master = Master(tmp_path / "announced")
    monkeypatch.setattr(local_workers, "start", lambda *_, **__: master)
    assert launch(RunRequest("burst", workers="2", out=out)) == 0
    assert master.seen[0] == what


def test_a_command_goes_by_its_name(
    became: list[tuple[list[str], dict[str, str]]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["attack", "--list"]) == 0
    assert "burst-one-ip" in capsys.readouterr().out
    main(["report", "results/x"])
    main(["ui", "--headless"])
    assert [command[2:] for command, _ in became] == [
        ["verdicts", "results/x"],
        [str(ROOT / "cli" / "launch" / "locust_main.py"), "-f", str(ROOT / "locustfile.py"), "--headless"],
    ]


def test_a_master_is_an_attack(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["master", "burst", "--bind", "eth0"]) == 2
    assert "--bind: 'eth0', allowed" in capsys.readouterr().err


def test_every_command_is_told_of(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    told = {line.split()[0] for line in capsys.readouterr().out.splitlines()[2:]}
    assert told == {*COMMANDS, *PROGRAMS, "master"}
    assert len(told) == 23


@pytest.mark.parametrize("words", [["atack"], ["--colour"]])
def test_an_unknown_command_is_one_line(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"command line: command: {words[0]!r}, allowed: agents-table, attack, audit, ")
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize("name", SHIMS)
def test_a_script_is_two_lines(name: str) -> None:
    first, second = (ROOT / "bin" / name).read_text().splitlines()
    assert first == "#!/bin/sh"
    assert second.endswith(f'/resilience" {name.replace("_", "-")} "$@"')
    assert os.access(ROOT / "bin" / name, os.X_OK)


@pytest.mark.parametrize(
    ("given", "level"),
    [({}, "WARNING"), ({"VERBOSE": "1"}, None), ({"LOCUST_LOGLEVEL": "DEBUG"}, "DEBUG")],
)
def test_locusts_own_lines_are_for_those_who_ask(
    became: list[tuple[list[str], dict[str, str]]],
    monkeypatch: pytest.MonkeyPatch,
    given: dict[str, str],
    level: str | None,
) -> None:
    for name in ("VERBOSE", "LOCUST_LOGLEVEL"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    main(["attack", "burst", "--seed", "3"])
    assert became[0][1].get("LOCUST_LOGLEVEL") == level
