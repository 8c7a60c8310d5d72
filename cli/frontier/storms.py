"""A trial's scenario: the storm at one load, with a trigger of one length, under agents of one policy.

    before the trigger      as long as in the scenario
    the trigger             `length`
    the watch               three times that, a minute at least (by DURATION_SCALE: as much less)
    the deadlines           of the last intents that are watched

The load is of first calls, as a share of what the system bears; a fan-out of n calls counts n times. All
policies have the scenario's patience and deadline, so that they differ in nothing but their repeats.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from cli.search.trials import attackers
from common.errors import ConfigError
from scenarios.agent_presets import PRESETS
from scenarios.parts import Fault
from scenarios.schema import Scenario
from shapes.frontier.search import StormPoint
from verdicts.measure.intents.storm import MINUTE, TRIGGERS

AGENT: Final = "agent"
CONTROL: Final = "no-retries"
POLICIES: Final = (*(name for name in PRESETS if name != "stuck-loop"), CONTROL)
"""A stuck loop repeats its successes: its load is no rate."""
SLACK: Final = 1.0  # seconds of the watch, for what is rounded


class StormPolicy(NamedTuple):
    """Which protections under which agents."""

    protect: str
    agents: str

    @property
    def name(self) -> str:
        """`naive, today`."""
        return f"{self.agents}, {self.protect}"


def check(scenario: Scenario, file: Path | str) -> None:
    """It can be searched: one group of agents with a deadline, one fault that ends. Raises ConfigError."""
    if len(scenario.groups) != 1 or scenario.groups[0].persona.name != AGENT:
        told = ", ".join(f"{group.name} ({group.persona.name})" for group in scenario.groups)
        raise ConfigError(file, "groups", f"{told}, allowed: one group of the persona {AGENT}")
    if "deadline" not in scenario.groups[0].persona.options:
        raise ConfigError(file, "persona.options.deadline", "is missing, allowed: seconds")
    if len(scenario.faults) != 1 or scenario.faults[0].until is None:
        raise ConfigError(file, "faults", f"{len(scenario.faults)}, allowed: one fault that ends")
    if missing := [id for id in ("S1", "S2", "S3", "S4") if id not in scenario.points]:
        raise ConfigError(file, "points", f"without {missing[0]}, allowed: S1, S2, S3 and S4 among them")


def length_of(scenario: Scenario, length: float, scale: float) -> float:
    """Seconds of load of a trial."""
    return _trigger(scenario).at + length + watched(length, scale) + _deadline(scenario) + SLACK


def watched(length: float, scale: float) -> float:
    """Seconds after a trigger in which it has to come back."""
    return max(TRIGGERS * length, MINUTE / scale)


def tree(
    scenario: Scenario, name: str, agents: str, point: StormPoint, capacity: float, scale: float
) -> dict[str, Any]:
    """The trial's scenario as plain data; `capacity`: first calls a second of a load of 1."""
    trigger = _trigger(scenario)
    end, duration = trigger.at + point.length, length_of(scenario, point.length, scale)
    rate = point.load * capacity / PRESETS.get(agents, {}).get("fan_out", 1)
    found = scenario.dump()
    return {
        **found,
        "name": name,
        "variant_of": scenario.name,
        "duration": duration,
        "duration_scale": scale,
        "groups": [_group(scenario, found["groups"][0], agents, rate)],
        "faults": [{**found["faults"][0], "until": end}],
        "phases": [
            {"name": "before", "start": 0.0, "end": trigger.at},
            {"name": "trigger", "start": trigger.at, "end": end},
            {"name": "after", "start": end, "end": duration},
        ],
    }


def _group(scenario: Scenario, plain: Mapping[str, Any], agents: str, rate: float) -> dict[str, Any]:
    accounts, each = attackers(scenario, rate)
    own = {key: value for key, value in plain["persona"]["options"].items() if key != "preset"}
    policy = {"retry_on": [], "retries": 0} if agents == CONTROL else {"preset": agents}
    return {
        **plain,
        "accounts": {**plain["accounts"], "count": accounts},
        "rate": each,
        "persona": {"name": AGENT, "options": own | policy},
    }


def _trigger(scenario: Scenario) -> Fault:
    return scenario.faults[0]


def _deadline(scenario: Scenario) -> float:
    return float(scenario.groups[0].persona.options["deadline"])
