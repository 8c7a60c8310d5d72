"""A run that a search wants, as a command of the attack; what proves nothing is made once more."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli import tune
from cli.launch import made_scenario
from cli.launch.attacks import Attacks
from cli.tuning import real_runs
from cli.tuning.real_runs import ATTEMPTS, RealRuns, run_request, scenario_tree
from cli.tuning.wanted import Wanted
from run.request import CheckedRun
from scenarios import load
from scenarios.tuning_table import ATTACK, ATTACKS, named
from verdicts.tuning.outcome import Figures, Length, NotCountedError

PLAN = named("plan")[0]


class NoAttacks(Attacks):
    """Runs that leave nothing but their log."""

    def __init__(self) -> None:
        self.stopped = False
        self.ran: list[CheckedRun] = []

    def run(self, run: CheckedRun, log: Path | None = None, over: object = None) -> int:
        self.ran.append(run)
        assert log is not None
        log.touch()
        return 0


def wanted(name: str = "nano-oom", length: Length = "short") -> Wanted:
    return Wanted(ATTACK[name], {**PLAN, "user-concurrency": 20.0, "fair-queue": 1.0}, length)


def made(tmp_path: Path) -> tuple[RealRuns, NoAttacks, list[str]]:
    attacks, said = NoAttacks(), []  # type: tuple[NoAttacks, list[str]]
    return RealRuns(attacks, tmp_path, tune.parser().parse_args(["--seed", "7"]), said.append), attacks, said


def test_a_run_is_the_attack_with_the_settings_limits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(real_runs, "read", lambda folder: Figures(served=0.9, room=0.5, broken=()))
    runs, attacks, _ = made(tmp_path)
    run = runs(wanted())
    assert run is not None
    assert (run.folder, run.served, run.room, run.held) == ("nano-oom-t001", 0.9, 0.5, True)
    [ran] = attacks.ran
    settings = ran.scenario.stack_settings()
    assert settings.origin.user_concurrency == 20
    assert settings.protections["fair-queue"]["limit"] == 100
    assert settings.edge.burst_strategy == "memory-cache", "as the plan's preset has it"
    assert set(ran.scenario.choice.names) >= {"fair-queue", "user-concurrency", "breaker"}
    assert (ran.scenario.duration, ran.scenario.seed) == (28, 7)
    assert ran.scenario.variant_of == "nano-oom"
    assert ran.scenario.thresholds == load.load("nano-oom").thresholds, "an attack keeps its own bounds"


def test_what_proves_nothing_is_made_once_more_and_kept_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(folder: Path) -> Figures:
        raise NotCountedError("invalid: 5 % late")

    monkeypatch.setattr(real_runs, "read", read)
    runs, attacks, said = made(tmp_path)
    assert runs(wanted()) is None
    assert len(attacks.ran) == ATTEMPTS
    assert [one.folder for one in runs.aside] == ["nano-oom-t001", "nano-oom-t002"]
    assert all("5 % late" in line for line in said)


def test_a_stopped_run_is_no_outcome(tmp_path: Path) -> None:
    runs, attacks, _ = made(tmp_path)
    attacks.stopped = True
    assert runs(wanted()) is None
    assert runs.aside == []


@pytest.mark.parametrize("name", [attack.name for attack in ATTACKS])
@pytest.mark.parametrize("length", ["short", "full"])
def test_every_attack_can_be_run_with_a_setting_at_both_lengths(
    tmp_path: Path, name: str, length: Length
) -> None:
    asked = wanted(name, length=length)
    file = made_scenario.write(tmp_path, f"{name}-t001", scenario_tree(asked))
    options = tune.parser().parse_args([])
    run = run_request(options, asked, file, tmp_path / "out").check()
    expected = ATTACK[name].seconds if length == "full" else ATTACK[name].short_s
    assert run.scenario.duration == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize("name", ["today", "none"])
def test_a_named_set_is_run_with_its_own_protections(tmp_path: Path, name: str) -> None:
    values = named(name)[0]
    request = run_request(
        tune.parser().parse_args([]), Wanted(ATTACK["burst"], values, "full", set=name), "burst", tmp_path
    )
    assert request.protect == name
