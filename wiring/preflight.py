"""Everything that can be known to be wrong before load starts, looked at before anything starts."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np

from config.errors import ConfigError
from scenarios.schema import Scenario
from shapes.schedule import Schedule
from targets import guard
from targets.schema import Target
from users import job
from users.accounts import make_accounts
from users.keys import load_key
from users.persona import Line, make_persona
from verdicts import points


def check(scenario: Scenario, target: Target, file: Path | str) -> None:
    """They can be run, and fit each other; `file` is the scenario's. Raises ConfigError or GuardError."""
    check_points(scenario, file)
    check_personas(scenario, file)
    if not target.bundled:
        guard.check(target)
    if target.max_rps is not None or target.max_duration is not None:
        guard.refuse_excess(target, peak_rate(job.schedule(scenario)), scenario.duration)
    make_accounts(scenario, target, scenario.seed)
    if target.auth is not None:
        load_key(target.auth)


def check_points(scenario: Scenario, file: Path | str) -> None:
    """Every point is known and every threshold can be read. Raises ConfigError."""
    try:
        points.check(scenario.points, scenario.thresholds)
    except ValueError as error:
        raise ConfigError(file, "", str(error)) from None


def check_personas(scenario: Scenario, file: Path | str) -> None:
    """Every persona is known, and so are its options. Raises ConfigError."""
    for group, plan in zip(scenario.groups, job.group_plans(scenario), strict=True):
        try:
            make_persona(plan.persona, cast(Line, None), plan.tools, plan.options)
        except ValueError as error:
            raise ConfigError(file, f"{group.name}.persona", str(error)) from None


def peak_rate(schedule: Schedule) -> float:
    """The most arrivals that any one second holds."""
    planned = schedule.planned
    if not len(planned):
        return 0.0
    ends = np.searchsorted(planned, planned + (1 - 1e-6))
    return float((ends - np.arange(len(planned))).max())
