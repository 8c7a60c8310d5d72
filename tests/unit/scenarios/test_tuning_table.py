"""The table of what may be tuned: each limit is a setting of the stack, each attack a scenario."""

from __future__ import annotations

import pytest

from common.merge import merged
from common.protections import NAMES
from fakes.settings import StackSettings
from scenarios.load import load, names
from scenarios.tuning_table import (
    ATTACK,
    ATTACKS,
    BLOCKS,
    BY_NAME,
    LIMITS,
    NO_LIMIT,
    OWN,
    TunedLimit,
    TuningAttack,
    named,
    protect,
    stack,
)


def settings(values: dict[str, float]) -> StackSettings:
    return StackSettings.model_validate(merged(StackSettings().model_dump(), stack(values)))


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.name)
def test_every_value_of_a_limit_is_a_setting_of_the_stack(limit: TunedLimit) -> None:
    if limit.switch:
        assert limit.name in NAMES
        return
    for value in (limit.low, limit.plan, limit.high, limit.fitting((limit.low * limit.high) ** 0.5)):
        tree: object = settings({**named("plan")[0], limit.name: value}).model_dump()
        for key in limit.key.split("."):
            assert isinstance(tree, dict)
            tree = tree[key]
        assert tree == value


def test_the_plans_values_are_the_stacks_own() -> None:
    assert settings(dict(named("plan")[0])) == StackSettings()


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_every_attack_is_a_scenario_with_what_it_is_said_to_last(attack: TuningAttack) -> None:
    scenario = load(attack.name)
    assert scenario.duration == attack.seconds
    assert scenario.priority in ("P0", "P1")
    assert set(attack.feels) <= set(BY_NAME)
    assert attack.short_s <= attack.seconds


def test_every_limit_is_felt_by_an_attack_that_is_searched() -> None:
    felt = {name for attack in ATTACKS if attack.searched for name in attack.feels}
    assert felt == set(BY_NAME)
    assert BLOCKS == ("rates", "concurrency", "patience", "database")


def test_a_switch_that_is_on_is_a_protection_with_the_limit_of_all() -> None:
    values = {**named("plan")[0], "fair-queue": 1.0, "global-concurrency": 400.0}
    assert protect(values) == "phase2,fair-queue"
    assert settings(values).protections["fair-queue"]["limit"] == 400


def test_a_value_fits_its_limit() -> None:
    assert BY_NAME["user-concurrency"].fitting(1e6) == 300
    assert BY_NAME["user-concurrency"].fitting(7.5) == 8
    assert BY_NAME["timeout"].fitting(7.1234) == 7.12


def test_each_p0_and_p1_scenario_is_confirmed_or_has_a_reason_why_not() -> None:
    asked = [name for name in names() if load(name).priority in ("P0", "P1")]
    assert sorted([*ATTACK, *NO_LIMIT, *OWN]) == sorted(asked)


def test_a_scenario_that_a_protection_would_spoil_is_run_without_it() -> None:
    assert {one.name: one.without for one in ATTACKS if one.without} == {
        name: "worker-cpu" for name in ATTACK if "-worker-cpu" in load(name).protections
    }
    assert protect(named("plan")[0], "worker-cpu") == "phase2,-worker-cpu"
