"""Everything that can be known to be wrong before load starts, looked at before anything starts."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from config.errors import ConfigError
from scenarios import load as scenarios
from scenarios.overrides import Overrides
from scenarios.schema import Scenario
from targets import guard
from targets import load as targets
from targets.schema import Target
from users.accounts import make_accounts
from users.keys import load_key


def check(scenario: str | Path, target: str | Path, overrides: Overrides) -> tuple[Scenario, Target]:
    """Both, checked and fit for each other. Raises ConfigError or GuardError: one line."""
    attack, goal = scenarios.load(scenario, overrides), targets.load(target)
    check_thresholds(attack)
    if not goal.bundled:
        guard.check(goal)
    guard.refuse_excess(goal, attack.rate, attack.duration)
    make_accounts(attack, goal, attack.seed)
    if goal.auth is not None:
        load_key(goal.auth)
    return attack, goal


def check_thresholds(scenario: Scenario) -> None:
    """Every threshold can be read. Raises ConfigError."""
    if find_spec("verdicts.thresholds") is None:
        return
    thresholds = import_module("verdicts.thresholds")
    for point, text in scenario.thresholds.items():
        try:
            thresholds.parse(text)
        except ValueError as error:
            place = scenarios.find(scenario.name) if scenario.name in scenarios.names() else scenario.name
            raise ConfigError(place, f"thresholds.{point}", str(error)) from None
