"""A trial's scenario: load, trigger, watch and policy as they were asked for, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from cli import metastable as command
from cli.frontier import storms
from cli.frontier.request import read
from cli.frontier.storm_trials import StormTrials
from cli.frontier.storms import POLICIES, StormPolicy
from cli.launch.attacks import Attacks
from common.errors import ConfigError
from run.request import CheckedRun
from scenarios.load import load
from scenarios.schema import Scenario
from shapes.frontier.search import StormPoint
from verdicts.breakpoint.trial import NoVerdictError
from verdicts.metastable import storm_trial
from verdicts.metastable.metastable_file import StormTrial

SEARCHED = load("retry-storm-frontier")
POINT = StormPoint(0.7, 8.0)


def made(agents: str = "naive", point: StormPoint = POINT, scale: float = 1.0) -> Scenario:
    return Scenario.restore(storms.tree(SEARCHED, "storm-001", agents, point, 25.0, scale))


def test_load_trigger_and_watch() -> None:
    found = made()
    assert found.rate == pytest.approx(0.7 * 25)
    assert found.groups[0].rate <= SEARCHED.groups[0].rate * (1 + 1e-9), "a higher load is more agents"
    [fault] = found.faults
    assert (fault.at, fault.until, fault.fault) == (5.0, 13.0, "upstream-stall")
    assert found.duration == 13 + 60 + 10 + 1  # a minute, and the last deadline
    assert made(point=StormPoint(0.7, 30.0)).duration == 35 + 90 + 10 + 1  # three times the trigger
    assert made(scale=4.0).duration == 13 + 24 + 10 + 1
    assert made(scale=4.0).duration_scale == 4.0
    assert [phase.end for phase in found.phases] == [5.0, 13.0, found.duration]
    assert (found.stack, found.points, found.thresholds) == (
        SEARCHED.stack, SEARCHED.points, SEARCHED.thresholds,
    )  # fmt: skip


@pytest.mark.parametrize("agents", POLICIES)
def test_policies_differ_in_nothing_but_their_repeats(agents: str) -> None:
    options = made(agents).groups[0].persona.options
    patience = {"give_up": 2, "tell": True, "deadline": 10}
    assert {key: options[key] for key in patience} == patience
    rest = {key: value for key, value in options.items() if key not in patience}
    assert rest == ({"retry_on": [], "retries": 0} if agents == "no-retries" else {"preset": agents})


def test_a_fan_out_counts_as_many_times_as_it_calls() -> None:
    assert made("fan-out").rate == pytest.approx(0.7 * 25 / 12)


def test_a_scenario_that_cannot_be_searched_is_refused_in_one_line() -> None:
    storms.check(SEARCHED, "file")
    several = load("slow-api")
    with pytest.raises(ConfigError, match=r"groups: spammers \(spammer\), .* allowed: one group"):
        storms.check(several, "file")
    tree = SEARCHED.dump()
    for changes, says in (
        ({"faults": []}, "faults: 0, allowed: one fault that ends"),
        ({"points": ["S1", "S2"], "thresholds": {}}, "points: without S3"),
    ):
        with pytest.raises(ConfigError, match=says):
            storms.check(Scenario.restore({**tree, **changes}), "file")


class FakeAttacks:
    """Runs that end with this exit code."""

    def __init__(self, code: int, *, stopped: bool = False) -> None:
        self.code, self.stopped = code, stopped
        self.ran: list[CheckedRun] = []

    def run(self, run: CheckedRun, log: Path, over: Any) -> int:
        self.ran.append(run)
        log.touch()
        assert over() is False  # nothing can be read, so nothing is known
        return self.code


def trials(folder: Path, attacks: FakeAttacks, *words: str) -> StormTrials:
    request = read(command.parser().parse_args(["--out", str(folder), "--seed", "7", *words]))
    folder.mkdir(exist_ok=True)
    return StormTrials(cast(Attacks, attacks), request)


def test_a_trial_is_a_run_of_a_scenario_that_anyone_can_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_from: list[tuple[Path, StormPoint]] = []

    def told(folder: Path, point: StormPoint, took_s: float) -> StormTrial:
        read_from.append((folder, point))
        return StormTrial(load=point.load, length=point.length, back=True)

    monkeypatch.setattr(storm_trial, "read", told)
    attacks = FakeAttacks(1)
    make = trials(tmp_path / "m", attacks, "--duration-scale", "4")
    policy = StormPolicy("today,load-shedding", "polite")
    assert make(policy, POINT) is not None
    assert make(policy, POINT) is not None
    first, second = attacks.ran
    assert first.request.out == str(tmp_path / "m" / "storm-001")
    assert second.request.out == str(tmp_path / "m" / "storm-002")
    assert first.request.duration_scale is None, "the trial's scenario says it"
    assert first.scenario.seed == 7
    assert "load-shedding" in first.scenario.choice.names
    assert first.scenario.faults[0].until == 13.0
    assert load(tmp_path / "m" / "scenarios" / "storm-001.yaml").duration == first.scenario.duration
    assert read_from == [(tmp_path / "m" / "storm-001", POINT), (tmp_path / "m" / "storm-002", POINT)]


def test_what_left_nothing_is_ours_and_what_was_stopped_is_none(tmp_path: Path) -> None:
    policy = StormPolicy("today", "naive")
    with pytest.raises(NoVerdictError, match=r"storm-001: exit code 2, see storm-001\.log"):
        trials(tmp_path / "a", FakeAttacks(2))(policy, POINT)
    with pytest.raises(NoVerdictError, match="storm-001 left no verdict"):
        trials(tmp_path / "b", FakeAttacks(3))(policy, POINT)
    assert trials(tmp_path / "c", FakeAttacks(3, stopped=True))(policy, POINT) is None
