"""How a rate becomes a command line, which rows a table has, where a search begins, the plan's arithmetic."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli import breakpoint as command
from cli.launch.attacks import Attacks
from cli.search import protection_sets
from cli.search.trials import Trials, attackers, own_rate, trial_request
from common.protections import NAMES, PRESETS, parse
from fakes.origin.nano import capacity
from fakes.settings import NanoSettings
from run.request import CheckedRun
from scenarios.load import load
from verdicts.breakpoint import goroutine_arithmetic
from verdicts.breakpoint.trial import NoVerdictError

SEARCHED = load("slow-api-breakpoint")


@given(
    st.floats(0.01, 5000), st.sampled_from(["slow-api-breakpoint", "burst", "agent-loop", "upstream-outage"])
)
def test_a_higher_rate_is_more_attackers_of_the_scenarios_own_rate(rate: float, name: str) -> None:
    scenario = load(name)
    groups = [group for group in scenario.groups if group.attack] or scenario.groups
    accounts, each = attackers(scenario, rate)
    assert accounts * each * len(groups) == pytest.approx(rate)
    assert each <= max(group.rate for group in groups) * (1 + 1e-6)
    assert accounts == 1 or (accounts - 1) * max(group.rate for group in groups) * len(groups) < rate


def test_the_scenarios_own_rate_is_its_own_attackers() -> None:
    assert own_rate(SEARCHED) == 200
    assert attackers(SEARCHED, 200) == (40, 5)
    assert attackers(SEARCHED, 205) == (41, 5)
    assert attackers(SEARCHED, 3) == (1, 3)


def test_a_trial_is_a_command_of_the_attack() -> None:
    options = command.parser().parse_args(["--tier", "starter", "--seed", "7"])
    assert trial_request(options, SEARCHED, "today,-breaker", 210, Path("out/001")).words() == [
        "slow-api-breakpoint", "--protect=today,-breaker", "--accounts=42", "--rate=5.0",
        "--target=bundled", "--tier=starter", "--seed=7", "--out=out/001",
    ]  # fmt: skip


class FakeAttacks:
    """Runs that end with this exit code and leave nothing."""

    def __init__(self, code: int, stopped: bool = False) -> None:
        self.code, self.stopped = code, stopped
        self.ran: list[list[str]] = []

    def run(self, run: CheckedRun, log: Path, over: Any) -> int:
        self.ran.append(run.request.words())
        log.touch()
        assert over() is False  # nothing can be read, so nothing is known to have failed
        return self.code


def trials(folder: Path, attacks: FakeAttacks) -> Trials:
    return Trials(cast(Attacks, attacks), folder, command.parser().parse_args([]), SEARCHED)


def test_a_trial_that_was_stopped_is_none(tmp_path: Path) -> None:
    assert trials(tmp_path, FakeAttacks(3, stopped=True))("none", 200) is None


@pytest.mark.parametrize(("code", "said"), [(2, "exit code 2, see 001-none-200.log"), (3, "left no verdict")])
def test_a_trial_that_left_nothing_is_ours(tmp_path: Path, code: int, said: str) -> None:
    with pytest.raises(NoVerdictError, match=said):
        trials(tmp_path, FakeAttacks(code))("none", 200)


def test_every_trial_has_a_folder_of_its_own(tmp_path: Path) -> None:
    attacks = FakeAttacks(3, stopped=True)
    (tmp_path / "stack.log").touch()
    for rate in (200, 200, 203.5):
        trials(tmp_path, attacks)("today,breaker", rate)
    assert [Path(ran[-1].removeprefix("--out=")).name for ran in attacks.ran] == [
        "001-today+breaker-200", "002-today+breaker-200", "003-today+breaker-203_5",
    ]  # fmt: skip


def test_rows_are_none_each_protection_and_each_preset() -> None:
    rows = protection_sets.rows()
    assert rows[0] == "none"
    assert set(rows) == {*NAMES, *PRESETS}
    assert len(rows) == len(set(rows))


def test_the_same_protections_share_an_answer_and_settings_count() -> None:
    assert protection_sets.same_as("all", ["none", "phase2"]) == "phase2"
    assert protection_sets.same_as("phase2", ["none", "phase1"]) == ""
    by_name = ",".join(parse("phase1").names)
    assert protection_sets.same_as(by_name, ["phase1"]) == ""  # the burst limit counts elsewhere


def test_a_search_begins_where_its_strongest_protection_broke() -> None:
    known = {"none": 200.0, "timeout": 204.0, "user-concurrency": 612.0, "global-concurrency": 3.0}
    assert protection_sets.start("breaker", known) == 200
    assert protection_sets.start("today", known) == 200
    assert protection_sets.start("phase1", known) == 612
    assert protection_sets.start("all", known) == 3
    assert protection_sets.start("none", {}) is None
    assert protection_sets.start("breaker", {"today": 150.0}) == 150


def test_the_plans_arithmetic_agrees_with_the_model() -> None:
    settings = NanoSettings()
    lines = {line.what: line for line in goroutine_arithmetic.lines(settings.model_dump())}
    assert lines["5,000 goroutines"].plan == "5,000 × 18 KB = 90 MB"
    calls = capacity(settings, 30.0).calls_by_memory
    assert f"{20 + 2 * calls:,} goroutines, {calls:,} calls" in lines["killed at"].model
    assert "1,000 req/s" in lines["CPU"].model
    assert capacity(settings, 30.0).rate_by_cpu == pytest.approx(1000)
    assert all(line.basis != "measured" for line in lines.values())


def test_without_a_model_the_plan_stands_alone() -> None:
    assert {line.model for line in goroutine_arithmetic.lines({})[:3]} == {"–"}
