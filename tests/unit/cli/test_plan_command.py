"""`bin/plan`: what it runs, what it refuses, what it leaves behind when a run is lost or it is stopped."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from cli import plan as command
from cli.launch.series import load_seconds
from common.errors import ConfigError
from run.request import CheckedRun
from scenarios import plan_runs, suites
from scenarios.load import load
from scenarios.plan_runs import MODES, RUNS
from tests.support.plan_folder import found, point
from verdicts.plan import plan_file
from verdicts.points.registry import QUESTIONS

SCENARIOS = (
    *("agent-loop", "slow-api", "upstream-outage", "kv-exhaustion", "burst", "db-pool", "failover"),
    *("invalid-jwt", "single-burst", "rate-limit", "health"),
)


def names(mode: str) -> list[str]:
    return [run.name for run, _ in plan_runs.runs(mode)]


@pytest.mark.parametrize("mode", ["quick", "full"])
def test_all_eleven_scenarios_run_as_they_are_and_ask_every_question(mode: str) -> None:
    run = [run.scenario for run, _ in plan_runs.runs(mode)]
    assert {name for name in SCENARIOS if any(one.startswith(name) for one in run)} == set(SCENARIOS)
    asked = {point for run, _ in plan_runs.runs(mode) for point in load(run.scenario).points}
    assert asked == set(QUESTIONS)


def test_the_smoke_run_has_phase_1_and_one_scenario_of_each_priority() -> None:
    scenarios = {run.scenario for run, _ in plan_runs.runs("smoke")}
    assert set(suites.members("phase1")) <= scenarios
    assert {load(name).priority for name in scenarios} == {"P0", "P1", "P3", "phase 1"}


@pytest.mark.parametrize("mode", ["quick", "full"])
def test_the_plans_own_values_lead(mode: str) -> None:
    leading: dict[str, list[str]] = {}
    for run, _ in plan_runs.runs(mode):
        for id in run.leads:
            leading.setdefault(id, []).append(run.scenario)
    for id in ("F1.1", "P1.2", "P1.4", "P1.5", "P1.6", "P1.7", "P1.8"):
        assert all(load(name).kv == "free" for name in leading[id]), id
    assert load(leading["P1.2"][0]).stack_settings().edge.burst_on_failure == "fail-open"
    for id in ("P1.9", "P1.10", "P1.11"):
        assert all(load(name).stack_settings().database.mode == "none" for name in leading.get(id, ()))
    outage = next(run for run, _ in plan_runs.runs(mode) if run.scenario == "upstream-outage")
    origin = load(outage.scenario).stack_settings().origin
    assert (origin.timeout, origin.user_concurrency, origin.global_concurrency) == (30, 50, 100)


def test_only_quick_leaves_questions_and_says_which() -> None:
    assert plan_runs.LEFT == {"quick": ("P1.11", "P3.2")}
    assert {point for left in plan_runs.LEFT.values() for point in left} <= set(QUESTIONS)
    full = [(run, changes) for run, changes in plan_runs.runs("full") if "P1.11" in run.leads]
    assert len(full) > 1, "a spread needs repeats"


@pytest.mark.parametrize("mode", MODES)
def test_every_run_of_a_mode_is_a_command_line_that_fits(mode: str, tmp_path: Path) -> None:
    options = command.parser().parse_args(["--mode", mode])
    for run, changes in plan_runs.runs(mode):
        request = command.request(options, run, changes, tmp_path / run.name)
        assert load_seconds(request.check()) > 0


def test_folders_are_told_apart_and_points_are_led_by_one_kind_of_run() -> None:
    full = names("full")
    assert len(set(full)) == len(full)
    leads = {(point, run.scenario, run.protect) for run in RUNS for point in run.leads}
    assert len({point for point, _, _ in leads}) == len(leads)
    assert all(point in load(run.scenario).points for run in RUNS for point in run.leads)


def test_a_further_runs_own_protections_outweigh_the_plans(tmp_path: Path) -> None:
    options = command.parser().parse_args(["--protect", "none", "--seed", "3"])
    plain, held = (run for run, _ in plan_runs.runs("quick") if run.scenario == "slow-api")
    assert "--protect=none" in command.request(options, plain, {}, tmp_path).words()
    words = command.request(options, held, {"duration": "20s"}, tmp_path).words()
    assert words[0] == "slow-api"
    assert {"--protect=phase2", "--duration=20s", "--seed=3", "--target=bundled"} <= set(words)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--mode", "slow"], "command line: mode: 'slow', allowed: quick, full, smoke\n"),
        (["--protect", "today,-brust"], "brust"),
        (["--workers", "x"], "--workers"),
        (["--target", "gone.yaml"], "gone.yaml"),
        (["--seed", "-1"], "seed"),
        (["extra"], "unrecognized arguments: extra"),
    ],
)
def test_everything_is_checked_before_the_first_run(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main([*words, "--out", str(tmp_path / "plan")]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not (tmp_path / "plan").exists()


def test_a_place_that_is_taken_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "something").touch()
    assert command.main(["--out", str(tmp_path)]) == 2
    assert "there already" in capsys.readouterr().err


def test_an_unknown_mode_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match="allowed: quick, full, smoke"):
        plan_runs.runs("")


class FakeAttacks:
    """Attacks that leave what they are told to, and may be stopped after some."""

    script: Mapping[str, int] = MappingProxyType({})
    stop_after = 99
    late = ""

    def __init__(self, folder: Path, say: Any) -> None:
        self.stopped, self.done = False, 0

    def __enter__(self) -> FakeAttacks:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def run(self, run: CheckedRun) -> int:
        words = run.request.words()
        self.done += 1
        self.stopped = self.done >= self.stop_after
        code = self.script.get(words[0], 0)
        if words[0] == self.late and not words[-1].endswith("-again"):
            code = 3
        if code <= 1:
            out = Path(words[-1].removeprefix("--out="))
            out.mkdir()
            points = [point(id, 1, "fail" if code else "pass") for id in load(words[0]).points]
            (out / "verdicts.json").write_text(json.dumps(found(points)))
        return code


@pytest.fixture
def attacks(monkeypatch: pytest.MonkeyPatch) -> type[FakeAttacks]:
    monkeypatch.setattr(command, "Attacks", FakeAttacks)
    monkeypatch.setattr(FakeAttacks, "script", {})
    monkeypatch.setattr(FakeAttacks, "stop_after", 99)
    monkeypatch.setattr(FakeAttacks, "late", "")
    return FakeAttacks


def test_a_plan_from_end_to_end(
    attacks: type[FakeAttacks], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    attacks.script = {"burst-free": 1}
    folder = tmp_path / "plan"
    assert command.main(["--out", str(folder)]) == 1
    told = plan_file.read(folder)
    assert [run.exit_code for run in told.runs] == [int(run.scenario == "burst-free") for run in told.runs]
    assert {file.name for file in folder.iterdir() if file.is_file()} == {
        *("plan.json", "series.json", "plan.html", "plan.md", "junit.xml")
    }
    out = capsys.readouterr().out
    assert "23 of 26 questions answered, exit code 1" in out
    assert "Left to make plan MODE=full: P1.11, P3.2. Left to make breakpoint: P0.3." in out
    assert "The target is out of bounds in 3: P1.5, P1.7, P1.8." in out


def test_a_run_that_does_not_count_is_tried_once_more(
    attacks: type[FakeAttacks], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    attacks.late = "burst-free"
    assert command.main(["--out", str(tmp_path / "plan")]) == 0
    assert "burst-free: does not count, once more" in capsys.readouterr().out
    told = [run for run in plan_file.read(tmp_path / "plan").runs if run.scenario == "burst-free"]
    assert [(run.folder[3:], run.exit_code) for run in told] == [("burst-free-again", 0)]
    assert 'href="15-burst-free-again/report.html"' in (tmp_path / "plan" / "plan.html").read_text()


def test_a_run_that_leaves_nothing_leaves_its_questions_open(
    attacks: type[FakeAttacks], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    attacks.script = {"db-pool-hold": 3}
    assert command.main(["--out", str(tmp_path / "plan")]) == 3
    assert "Without an answer: P1.9, P1.10, P1.11." in capsys.readouterr().out


def test_a_plan_that_was_stopped_tells_what_it_knows(
    attacks: type[FakeAttacks], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    attacks.stop_after = 2
    assert command.main(["--out", str(tmp_path / "plan")]) == 3
    out = capsys.readouterr().out
    assert "1 of 26 questions answered, exit code 3" in out
    assert "not known: slow-api: did not run" in out
    assert [run.exit_code for run in plan_file.read(tmp_path / "plan").runs[:3]] == [0, 0, None]


def test_the_smoke_run_asks_only_its_own_questions(attacks: type[FakeAttacks], tmp_path: Path) -> None:
    folder = tmp_path / "plan"
    assert command.main(["--mode", "smoke", "--out", str(folder)]) == 0
    assert "no run of mode smoke asks it" in (folder / "plan.html").read_text()
