"""How long a target's slow tools take with nobody else about: each is called once, before load.

That is what the gateway's own share is held against where no answer tells it by `Server-Timing`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from run.checks.talk import Talk
from scenarios.schema import Scenario
from users.engine import job


def measure(scenario: Scenario, talk: Talk) -> Mapping[str, float]:
    """Label → seconds of the tools that the scenario calls slow; nothing of a target that tells it itself."""
    found: dict[str, float] = {}
    for group, behaviour in zip(scenario.groups, job.group_behaviours(scenario, talk.dialect), strict=True):
        for tool, operation in zip(group.tools, behaviour.operations, strict=False):
            if tool.role != "slow" or operation.label in found:
                continue
            result = talk.call(f"tool {operation.label}", operation)
            if not math.isnan(result.limits["upstream_s"]):
                return {}  # the target tells it itself
            if not result.reason:
                found[operation.label] = round(result.took_s, 6)
    return found
