"""How many calls a scenario can have in flight at once: for this a real edge needs open files.

At most, whatever the target does: a call is in flight at the edge until its caller's time is up or the edge's
own, whichever is later, as a caller that leaves is not always noticed. An agent that gives up and asks again
has several of one arrival there.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any

import numpy as np

from scenarios.schema import Scenario
from shapes.schedule import peak
from targets.schema import Target
from users.engine import job
from users.personas.agent_options import AgentOptions
from users.personas.persona import check_persona


def most(scenario: Scenario, target: Target) -> int:
    """Calls in flight at the edge at once, at most."""
    waits = scenario.timeout or target.timeout
    held = max(waits, scenario.stack_settings().edge.forward_timeout)
    schedule = job.schedule(scenario)
    of_group = [_of_an_arrival(one, held) for one in job.group_behaviours(scenario)]
    return peak(np.repeat(schedule.planned, np.array(of_group)[schedule.group]), held)


def _of_an_arrival(behaviour: job.GroupBehaviour, held: float) -> int:
    options = check_persona(behaviour.persona, behaviour.options)
    if not isinstance(options, AgentOptions):
        return 1
    alive = ceil(held / options.give_up) if options.give_up else 1
    return int(min(alive, 1 + options.most_repeats)) * options.fan_out


def told(room: Mapping[str, Any], calls: int) -> str:
    """One line on what the edge has for them, by its own state; "" where one process has enough for all."""
    processes, bears = room["processes"], room["calls"]
    if processes == 1 and calls <= bears:
        return ""
    has = f"{processes} processes" if processes > 1 else "one process"
    files = f"{has} of {room['open_files']:,} open files"
    line = f"up to {calls:,} calls in flight: the edge has {files}, enough for {bears:,}"
    if calls > bears:
        return f"{line}; with more than these it ends (ulimit -n)"
    return f"{line}; each takes calls, as an isolate of its own, once those before it are half full"
