"""Everything that can be known to be wrong before load starts, looked at before anything starts."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from config.errors import ConfigError
from scenarios import load as scenarios
from scenarios.overrides import Overrides
from scenarios.schema import Scenario
from shapes.schedule import Schedule
from targets import guard
from targets import load as targets
from targets.schema import Target
from users import job
from users.accounts import make_accounts
from users.keys import load_key
from verdicts import points


def check(scenario: str | Path, target: str | Path, overrides: Overrides) -> tuple[Scenario, Target]:
    """Both, checked and fit for each other. Raises ConfigError or GuardError: one line."""
    attack, goal = scenarios.load(scenario, overrides), targets.load(target)
    check_points(attack, scenarios.find(scenario))
    if not goal.bundled:
        guard.check(goal)
    if goal.max_rps is not None or goal.max_duration is not None:
        guard.refuse_excess(goal, peak_rate(job.schedule(attack)), attack.duration)
    make_accounts(attack, goal, attack.seed)
    if goal.auth is not None:
        load_key(goal.auth)
    return attack, goal


def check_points(scenario: Scenario, file: Path) -> None:
    """Every point is known and every threshold can be read. Raises ConfigError."""
    try:
        points.check(scenario.points, scenario.thresholds)
    except ValueError as error:
        raise ConfigError(file, "", str(error)) from None


def peak_rate(schedule: Schedule) -> float:
    """The most arrivals that any one second holds."""
    planned = schedule.planned
    if not len(planned):
        return 0.0
    ends = np.searchsorted(planned, planned + (1 - 1e-6))
    return float((ends - np.arange(len(planned))).max())
