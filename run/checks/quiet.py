"""How long a target's slow tools take with nobody else about: each is called before load.

That is what the gateway's own share is held against where no answer tells it by `Server-Timing`. A tool is
slow where the scenario calls it so. Of a target file's one `tool` for everything nobody has said: it is
called where response times are asked for, and is slow where it takes its time twice, as a first call may for
itself alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from run.checks.talk import RequestResult, Talk
from scenarios.schema import Scenario
from targets.schema import Target
from users.engine import job
from users.mcp.operations import Operation
from verdicts.points.response_time import SLOW

RESPONSE_TIMES: Final = "P1.7"


def measure(scenario: Scenario, target: Target, talk: Talk) -> Mapping[str, float]:
    """Label → seconds of its slow tools; nothing of a target that tells it itself."""
    found: dict[str, float] = {}
    unsaid = target.tool_given and target.tools is None and RESPONSE_TIMES in scenario.points
    heard: set[str] = set()
    for group, behaviour in zip(scenario.groups, job.group_behaviours(scenario, talk.dialect), strict=True):
        for tool, operation in zip(group.tools, behaviour.operations, strict=False):
            called_slow, label = tool.role == "slow", operation.label
            if label in found or not (called_slow or (unsaid and label not in heard)):
                continue
            heard.add(label)
            result = _called(talk, operation) if called_slow else _least(talk, operation)
            if not math.isnan(result.limits["upstream_s"]):
                return {}  # the target tells it itself
            if not result.reason and (called_slow or result.took_s >= SLOW):
                found[label] = round(result.took_s, 6)
    return found


def _least(talk: Talk, operation: Operation) -> RequestResult:
    """The quicker of two calls that succeed, where the first one takes its time."""
    first = _called(talk, operation)
    if first.reason or first.took_s < SLOW or (again := _called(talk, operation)).reason:
        return first
    return min(first, again, key=lambda one: one.took_s)


def _called(talk: Talk, operation: Operation) -> RequestResult:
    return talk.call(f"tool {operation.label}", operation)
