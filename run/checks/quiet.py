"""How long a target's tools take with nobody else about: each is called once, before load.

That is what the gateway's own share is held against where no answer tells it by `Server-Timing`. Kept are the
tools that the scenario calls slow, and of the others those that are: `tool` of a target file may be any tool,
whatever a scenario takes it for. As a first call may be slow for itself alone, those are called twice.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from common.tool_call import SLOW
from run.checks.talk import RequestResult, Talk
from scenarios.parts import Tool
from scenarios.schema import Scenario
from users.engine import job
from users.mcp.operations import Operation


def measure(scenario: Scenario, talk: Talk) -> Mapping[str, float]:
    """Label → seconds of its slow tools; nothing of what the target tells itself."""
    found: dict[str, float] = {}
    for tool, operation in sorted(_tools(scenario, talk).values(), key=lambda one: one[0].role != "slow"):
        called_slow = tool.role == "slow"
        result = _called(talk, operation)
        if _slow(result) and not called_slow and not (again := _called(talk, operation)).reason:
            result = min(result, again, key=lambda one: one.took_s)
        if not math.isnan(result.limits["upstream_s"]):
            return found  # it tells it, and of the others, too
        if not result.reason and (called_slow or _slow(result)):
            found[operation.label] = round(result.took_s, 6)
    return found


def _tools(scenario: Scenario, talk: Talk) -> dict[str, tuple[Tool, Operation]]:
    """By label; a slow one where one of the scenario's groups calls it that."""
    found: dict[str, tuple[Tool, Operation]] = {}
    for group, behaviour in zip(scenario.groups, job.group_behaviours(scenario, talk.dialect), strict=True):
        for tool, operation in zip(group.tools, behaviour.operations, strict=False):
            if tool.role == "slow" or operation.label not in found:
                found[operation.label] = tool, operation
    return found


def _called(talk: Talk, operation: Operation) -> RequestResult:
    return talk.call(f"tool {operation.label}", operation)


def _slow(result: RequestResult) -> bool:
    """It succeeded, and took its time."""
    return not result.reason and result.took_s >= SLOW
