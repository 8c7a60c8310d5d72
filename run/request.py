"""What a run is asked for: read once, checked once, turned into a command line once.

    request = RunRequest.of(options)      # of `bin/attack`, of Locust, of the web form
    run = request.read()                  # the scenario and the target, checked, with the request
    request.words()                       # the command line of `bin/attack` that says the same
    request.locust_words()                # the one of Locust

Values are texts as they were given; None or "" where nothing was. `scenarios.options` is the table of them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Final, NamedTuple

from common.errors import ConfigError
from common.tool_call import ROLES, Role, StandardCall, ToolCall
from run.checks import preflight
from run.folders import check_out
from scenarios import load as scenarios
from scenarios.option import SOURCE
from scenarios.options import BUNDLED, LOCUST, OPTIONS, passed_on, words
from scenarios.overrides import Overrides
from scenarios.parts import Group, ModuleTool, StandardTool, Tool
from scenarios.schema import Scenario
from targets import load as targets
from targets.schema import Target

CHANGES: Final = tuple(name for name in Overrides.model_fields if name != "source")
NOT_TEXT: Final = ("scenario", "master", "given_by")  # not `--name=value` on a command line


@dataclass(frozen=True)
class RunRequest:
    """One attack; the fields are options of `bin/attack`, in the order in which its command line has them."""

    scenario: str
    protect: str | None = None
    accounts: str | None = None
    rate: str | None = None
    target: str | None = BUNDLED
    duration: str | None = None
    tier: str | None = None
    seed: str | None = None
    duration_scale: str | None = None
    stack: str | None = None
    nano: str | None = None
    workers: str | None = None
    baseline: str | None = None
    master: bool = False
    bind: str | None = None
    port: str | None = None
    out: str | None = None
    given_by: str = SOURCE  # whom a complaint about a value names

    @classmethod
    def of(cls, options: Any, **more: Any) -> RunRequest:
        """From parsed options of whatever kind, with `more` over them; what they do not know is not given."""
        given = {one.name: getattr(options, one.name) for one in fields(cls) if hasattr(options, one.name)}
        return cls(**{**given, **more})

    @classmethod
    def passed_on(cls, command: str, options: Any, **own: Any) -> RunRequest:
        """A run that `command` makes: what its options hand on, and `own` over them."""
        return cls(**{**{name: getattr(options, name) for name in passed_on(command, "attack")}, **own})

    def words(self) -> list[str]:
        """The command line of `bin/attack`; `of` makes the same request of it again."""
        values = {name: value for name, value in asdict(self).items() if name not in NOT_TEXT}
        return [self.scenario, *([OPTIONS["master"].flag] if self.master else []), *words(values)]

    def locust_words(self) -> list[str]:
        """The options of Locust that ask for the same run."""
        given = asdict(self)
        names = (*passed_on("attack", LOCUST), "out")
        return [OPTIONS["scenario"].flag, self.scenario, *words({name: given[name] for name in names})]

    @property
    def worker_count(self) -> int:
        """How many workers are asked for. Raises ConfigError."""
        return int(OPTIONS["workers"].read(self.workers or "0"))

    def read(self) -> CheckedRun:
        """The scenario and the target that are named, checked together. ConfigError, GuardError."""
        scenario, target = self.load()
        preflight.check(scenario, target, scenarios.find(self.scenario))
        if self.baseline:
            preflight.check_baseline(scenario, self.baseline)
        return CheckedRun(scenario, target, self)

    def load(self) -> tuple[Scenario, Target]:
        """Both as the request wants them, each checked by itself. Raises ConfigError."""
        target = targets.load(self.target or BUNDLED)
        given = {name: getattr(self, name) for name in CHANGES}
        scenario = scenarios.load(self.scenario, Overrides.read(given, self.given_by))
        return with_tools(scenario, target), target

    def check(self) -> CheckedRun:
        """As `read`; and it names a scenario, its folder can be made, its workers be counted."""
        if not self.scenario:
            allowed = f"{', '.join(scenarios.names())}, or a path ending in .yaml"
            raise ConfigError(SOURCE, "scenario", f"is missing, allowed: {allowed}")
        run = self.read()
        if self.out:
            check_out(self.out)
        _ = self.worker_count
        return run


class CheckedRun(NamedTuple):
    """A request that was read and can be run."""

    scenario: Scenario
    target: Target
    request: RunRequest

    def into(self, out: Path) -> CheckedRun:
        """The same run, into another folder."""
        return self._replace(request=replace(self.request, out=str(out)))

    @property
    def accounts(self) -> int:
        """How many accounts there are in all."""
        return sum(group.accounts.count for group in self.scenario.groups)


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
