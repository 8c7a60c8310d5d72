"""From Locust's options (command line, environment, web form) to a checked scenario and target."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from scenarios import load as scenarios
from scenarios.overrides import Overrides
from scenarios.parts import Tool as ToolSpec
from scenarios.schema import Scenario
from targets import load as targets
from targets.schema import Target
from wiring import preflight

GIVEN: Final = ("duration", "accounts", "rate", "protect", "seed", "tier", "duration_scale")
RESULTS: Final = Path(__file__).resolve().parents[1] / "results"


class _AnyName(list[str]):
    """The choices of the web form; the command line may also name a file, which is checked later."""

    def __contains__(self, value: object) -> bool:
        return True


def add_arguments(parser: Any) -> None:
    """Our own arguments beside Locust's; each may also come from the environment."""
    parser.add_argument(
        "--scenario",
        default="burst",
        choices=_AnyName(scenarios.names()),
        metavar="NAME",
        env_var="SCENARIO",
        help="the attack to run, or a file",
    )
    for name, text in (
        ("target", "a target file; empty: the bundled stack"),
        ("protect", "a preset or names of protections; empty: the scenario's"),
        ("accounts", "how many accounts attack"),
        ("rate", "requests per second of each account"),
        ("duration", "how long load is sent, like 20s"),
        ("tier", "the accounts' plan"),
        ("seed", "the seed of schedule and accounts"),
        ("duration-scale", "6: a sixth of the time, windows and intervals scaled with it"),
    ):
        parser.add_argument(f"--{name}", default="", env_var=name.upper().replace("-", "_"), help=text)
    parser.add_argument("--out", default="", env_var="OUT", include_in_web_ui=False, help="the run's folder")


def read(options: Any) -> tuple[Scenario, Target]:
    """The scenario and the target that the options name, checked. ConfigError, GuardError."""
    target = targets.load(options.target or "bundled")
    given = {key: getattr(options, key) for key in GIVEN}
    given["protect"] = given["protect"] or None
    scenario = scenarios.load(options.scenario, Overrides.read(given))
    if target.tool_given:
        scenario = with_tool(scenario, target)
    preflight.check(scenario, target, scenarios.find(options.scenario))
    return scenario, target


def with_tool(scenario: Scenario, target: Target) -> Scenario:
    """The scenario with the target's own tool in every group; none: `tools/list`."""
    tool = target.tool
    tools = () if tool is None else (ToolSpec(module=tool.module, tool=tool.tool, params=tool.params),)
    groups = tuple(group.model_copy(update={"tools": tools}) for group in scenario.groups)
    return scenario.model_copy(update={"groups": groups})


def all_accounts(scenario: Scenario) -> int:
    """How many accounts attack."""
    return sum(group.accounts.count for group in scenario.groups)


def run_dir(out: str | None, name: str) -> Path:
    """Where the run goes: `out`, or a new folder of its own under results/."""
    if out:
        return Path(out)
    first = RESULTS / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{name}"
    candidate, number = first, 1
    while candidate.exists():
        number += 1
        candidate = first.with_name(f"{first.name}-{number}")
    return candidate
