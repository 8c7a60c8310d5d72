"""From a scenario and its accounts to the job of a loading process: schedule, tools, personas.

Pure: the same scenario and seed give the same schedule, tools and draws on every worker.
"""

from __future__ import annotations

from itertools import pairwise
from typing import cast

from scenarios.parts import Group
from scenarios.schema import Scenario
from shapes.registry import make as make_shape
from shapes.schedule import Part, Schedule, merge
from users.engine.engine import GroupPlan
from users.mcp import messages
from users.mcp.methods import LIST_TOOLS, METHODS
from users.personas.persona import Line, Tool, make_persona


def tool_table(scenario: Scenario) -> list[str]:
    """The labels of everything that the run may call; a sample's `tool` is a place in it."""
    labels = [tool.label for tool in METHODS]
    for group in scenario.groups:
        labels += [tool.label for tool in group.tools if tool.label not in labels]
    return labels


def group_plans(scenario: Scenario) -> list[GroupPlan]:
    """How each group behaves."""
    labels = tool_table(scenario)
    return [
        GroupPlan(group.persona.name, _tools(group, labels), dict(group.persona.options))
        for group in scenario.groups
    ]


def _tools(group: Group, labels: list[str]) -> tuple[Tool, ...]:
    if not group.tools:
        return (LIST_TOOLS,)
    return tuple(
        Tool(
            labels.index(tool.label),
            tool.label,
            messages.call_tool(tool.module, tool.tool, dict(tool.params)),
            tool.weight,
            {"module": tool.module, "tool": tool.tool, "params": dict(tool.params)},
        )
        for tool in group.tools
    )


def opening_calls(plan: GroupPlan) -> int:
    """How many calls each of its accounts makes before load starts: its persona says so (`opening`)."""
    persona = make_persona(plan.persona, cast(Line, None), plan.tools, plan.options)
    return int(getattr(persona, "opening", 0))


def schedule(scenario: Scenario) -> Schedule:
    """The one global schedule of all groups. ValueError for a shape that cannot be made."""
    firsts = [0]
    for group in scenario.groups:
        firsts.append(firsts[-1] + group.accounts.count)
    parts = []
    for number, (group, (first, end)) in enumerate(zip(scenario.groups, pairwise(firsts), strict=True)):
        shape = make_shape(
            group.shape.kind,
            dict(group.shape.params),
            rate=group.rate * group.accounts.count,
            duration=scenario.duration,
            seed=scenario.seed + number,
        )
        parts.append(Part(shape, group=number, first_account=first, accounts=end - first))
    return merge(parts, seed=scenario.seed)
