"""How many calls a scenario sends, before it does: what an agent sends for an arrival is counted, too.

By these figures a person agrees to a load. Repeats depend on the target, so what they come to is the most;
the calls by which accounts open and end (sessions, looks at the tool list) are told of, and not counted.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from common.mcp_versions import NONE
from scenarios.schema import Scenario
from shapes.schedule import peak
from targets.schema import Target
from users.engine import job
from users.personas.agent_options import AgentOptions
from users.personas.persona import check_persona


class CallsSent(NamedTuple):
    """Of a whole run: `calls` and `in_a_second` without repeats, `most` with all, infinite without end."""

    calls: int
    in_a_second: int
    most: float


def of(scenario: Scenario) -> CallsSent:
    """By its schedule and what its personas send for an arrival."""
    schedule = job.schedule(scenario)
    of_group = [_of_an_arrival(one) for one in job.group_behaviours(scenario)]
    at_once = np.array([calls for calls, _ in of_group])[schedule.group]
    attempts = np.array([most for _, most in of_group])[schedule.group]
    in_a_second = peak(np.repeat(schedule.planned, at_once))
    return CallsSent(int(at_once.sum()), in_a_second, float((at_once * attempts).sum()))


def _of_an_arrival(behaviour: job.GroupBehaviour) -> tuple[int, float]:
    """Calls at once, and how often all of them are sent at most."""
    options = check_persona(behaviour.persona, behaviour.options)
    if not isinstance(options, AgentOptions):
        return 1, 1.0
    return options.fan_out, 1.0 + options.most_repeats


def told(scenario: Scenario, target: Target) -> str:
    """The same in words, with the bound that the target's file sets."""
    sent, accounts = of(scenario), sum(group.accounts.count for group in scenario.groups)
    text = f"{sent.calls:,} requests in {scenario.duration:g} s, at most {sent.in_a_second:,} in a second, "
    text += f"from {accounts:,} accounts"
    if math.isinf(sent.most):
        text += "; repeats come on top, without end"
    elif sent.most > sent.calls:
        text += f"; with repeats {sent.most:,.0f} at most, more of them in a second"
    if target.protocol != NONE or any(map(job.opening_calls, job.group_behaviours(scenario))):
        text += "; what accounts open and end with comes on top"
    if target.max_rps:
        text += f"; never more than max_rps {target.max_rps:g} in a second, all included"
    return text
