"""What a scenario calls on a target that has tools of its own."""

from __future__ import annotations

from common.errors import ConfigError
from common.tool_call import ROLES, Role, StandardCall, ToolCall
from scenarios.parts import Group, ModuleTool, StandardTool, Tool
from scenarios.schema import Scenario
from targets.schema import Target


def with_tools(scenario: Scenario, target: Target) -> Scenario:
    """The scenario with the target's own tools: by role, or one for all; none: `tools/list`.

    Raises ConfigError for a role that the target has no tool for.
    """
    if not target.tool_given and target.tools is None:
        return scenario
    groups = tuple(
        group.model_copy(update={"tools": _theirs(scenario.name, group, target)}) for group in scenario.groups
    )
    return scenario.model_copy(update={"groups": groups})


def _theirs(name: str, group: Group, target: Target) -> tuple[Tool, ...]:
    """What the group calls on the target: each once, by the weight of all that it stands for."""
    roles: dict[Role, float] = {}
    for tool in group.tools:
        roles[tool.role] = roles.get(tool.role, 0.0) + tool.weight
    if target.tools is None:
        role: Role = "slow" if set(roles) == {"slow"} else "fast"
        return () if target.tool is None else (_tool(target.tool, role, 1.0),)
    found = {role: getattr(target.tools, role) for role in roles}
    for role, call in found.items():
        if call is None:
            text = f"{name} calls a {role} one, allowed: tools: {{{', '.join(f'{one}: …' for one in ROLES)}}}"
            raise ConfigError(f"target {target.name}", f"tools.{role}", text)
    return tuple(_tool(call, role, roles[role]) for role, call in found.items())


def _tool(call: ToolCall, role: Role, weight: float) -> Tool:
    kind = StandardTool if isinstance(call, StandardCall) else ModuleTool
    return kind(**call.model_dump(by_alias=True), role=role, weight=weight)
