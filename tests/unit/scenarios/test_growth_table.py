"""The assumptions of load by size: each attack is a scenario at each size, and each figure has its source."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli import tune
from cli.launch import made_scenario
from cli.tuning.real_runs import run_request, scenario_tree
from cli.tuning.wanted import Wanted
from scenarios import growth_table
from scenarios.growth_table import BY_NAME, GROWING, SIZES, groups, home, load_of, nano, rate, room, sized
from scenarios.load import load
from scenarios.tuning_table import TuningAttack, named

PLAN = named("plan")[0]


def scenario_of(tmp_path: Path, wanted: Wanted) -> object:
    file = made_scenario.write(tmp_path, f"{wanted.attack.name}-t001", scenario_tree(wanted))
    return run_request(tune.parser().parse_args([]), wanted, file, tmp_path / "out").check().scenario


@pytest.mark.parametrize("attack", GROWING, ids=lambda attack: attack.name)
@pytest.mark.parametrize("mau", SIZES)
def test_every_attack_can_be_run_at_every_size(tmp_path: Path, attack: TuningAttack, mau: int) -> None:
    made = scenario_of(tmp_path, Wanted(attack, PLAN, "short", mau=mau))
    assert {one.name: one.accounts.count for one in made.groups} == groups(attack, mau)  # type: ignore[attr-defined]
    assert made.rate == pytest.approx(rate(attack, mau))  # type: ignore[attr-defined]
    assert made.thresholds == load(attack.name).thresholds  # type: ignore[attr-defined]


@pytest.mark.parametrize("attack", GROWING, ids=lambda attack: attack.name)
def test_at_its_own_size_an_attack_has_its_own_accounts(attack: TuningAttack) -> None:
    scenario = load(attack.name)
    own = {group.name: group.accounts.count for group in scenario.groups}
    assert groups(attack, home(scenario)) == own


def test_a_larger_instance_has_its_memory_cpu_and_alert(tmp_path: Path) -> None:
    made = scenario_of(tmp_path, Wanted(BY_NAME["nano-oom"], PLAN, "short", mau=100, instance=4))
    settings = made.stack_settings().nano  # type: ignore[attr-defined]
    assert (settings.memory_limit, settings.cpu_share) == (4 * 256 * 2**20, 0.4)
    assert made.thresholds["P0.2"] == "nano_memory <= 800 MB"  # type: ignore[attr-defined]
    assert nano(1) == {"memory_limit": 256 * 2**20, "cpu_share": 0.1, "cpu_burst": 0.1}


def test_innocents_beside_attackers_stay_and_attackers_send_what_a_starter_may() -> None:
    crowd = BY_NAME["nano-oom"]
    assert groups(crowd, 1000) == {"spammers": 500, "innocent-fast": 20, "innocent-jira": 20}
    assert crowd.short["rate"] == "1"
    assert groups(crowd, 1)["spammers"] == 1


def test_what_this_machine_is_not_known_to_bear_is_not_asked_of_it() -> None:
    assert [mau for mau in SIZES if growth_table.beyond(BY_NAME["burst-starter"], mau)] == [1000]
    assert not any(growth_table.beyond(BY_NAME["nano-oom"], mau) for mau in SIZES)
    assert growth_table.beyond(BY_NAME["ordinary-work"], 5000) == "1,350 req/s > 514"


def test_limits_on_calls_by_memory_are_those_of_the_plans_page() -> None:
    assert room(1) == 4277, "docs/plan.md, P0.1"
    assert sized(PLAN, 100, 1)["user-concurrency"] == 85, "as nano-oom-sized has them"
    assert sized(PLAN, 1000, 2)["global-concurrency"] == room(2)


def test_a_size_comes_to_figures_for_the_page() -> None:
    load = load_of(500)
    assert (load.accounts, load.attackers, load.requests_a_day) == (575, 250, 5000)


def test_a_scenario_of_no_size_is_refused() -> None:
    with pytest.raises(ValueError, match="allowed: at … MAU"):
        home(load("single-burst"))
