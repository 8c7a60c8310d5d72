"""The suites that `make suite` runs: which scenarios, in what order.

A scenario names its suite itself (`plan: phase1`); variants (`extends`) are in none. `all` is every scenario
that is no variant: the two suites first, then the rest.
"""

from __future__ import annotations

from typing import Final

from common.errors import ConfigError
from scenarios.load import load, originals
from scenarios.schema import Scenario

SUITES: Final = ("phase1", "phase2", "all")
# From the quick and gentle to what wears the stack out; a scenario that is not named here comes last.
ORDER: Final = (
    *("single-burst", "rate-limit", "health"),
    *("slow-api", "kv-exhaustion", "burst", "db-pool"),
    *("agent-loop", "upstream-outage", "invalid-jwt", "failover"),
)


def members(name: str) -> list[str]:
    """The scenarios of a suite, in order. Raises ConfigError."""
    if name not in SUITES:
        raise ConfigError("command line", "plan", f"{name!r:.40}, allowed: {', '.join(SUITES)}")
    own = [one for one in map(load, originals()) if _within(one, name)]
    return [one.name for one in sorted(own, key=_place)]


def _within(scenario: Scenario, name: str) -> bool:
    return name in ("all", scenario.plan)


def _place(scenario: Scenario) -> tuple[int, str]:
    known = scenario.name in ORDER
    return (ORDER.index(scenario.name) if known else len(ORDER)), scenario.name
