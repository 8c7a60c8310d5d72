"""From Locust's options (command line, environment, web form) to a checked scenario and target."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from common.errors import ConfigError, short
from common.paths import RESULTS
from common.protections import PRESETS
from fakes.settings import OriginSettings
from run import preflight
from scenarios import load as scenarios
from scenarios.overrides import SOURCE, Overrides
from scenarios.parts import Tool as ToolSpec
from scenarios.schema import Scenario
from targets import load as targets
from targets.schema import BUNDLED, Target

GIVEN: Final = ("duration", "accounts", "rate", "protect", "seed", "tier", "duration_scale")


LOOPBACK: Final = "127.0.0.1"


class _AnyName(list[str]):
    """The choices of the web form; the command line may say more (a file), which is checked later."""

    def __contains__(self, value: object) -> bool:
        return True


HELP: Final = {
    "scenario": "the attack to run, or a file",
    "target": "what is attacked: a file of targets/; bundled is the stack that comes along",
    "protect": f"{', '.join(PRESETS)}, or names like today,-burst-limit; empty: the scenario's",
    "accounts": "how many accounts attack",
    "rate": "requests per second of each account",
    "duration": "how long load is sent: 20s, 500ms, 2m",
    "tier": "the accounts' plan",
    "seed": "the seed of schedule and accounts",
    "duration_scale": "6: a sixth of the time, windows and intervals scaled with it",
}
"""The fields of the web form, as Locust names them, and what they mean."""


def choices() -> dict[str, list[str]]:
    """The fields that offer a list, and the list; an empty text leaves the scenario's own."""
    return {
        "scenario": scenarios.names(),
        "target": sorted(file.stem for file in targets.FOLDER.glob("*.yaml")),
        "tier": ["", *OriginSettings().tiers],
    }


def add_arguments(parser: Any) -> None:
    """Our own arguments beside Locust's; each may also come from the environment."""
    defaults = {"scenario": "burst", "target": BUNDLED}
    lists = choices()
    for key, text in HELP.items():
        parser.add_argument(
            f"--{key.replace('_', '-')}",
            default=defaults.get(key, ""),
            choices=_AnyName(lists[key]) if key in lists else None,
            metavar=key.upper(),
            env_var=key.upper(),
            help=text,
        )
    parser.add_argument(
        "--out",
        default="",
        env_var="OUT",
        include_in_web_ui=False,
        help="the run's folder; with the web UI the folder that the runs' own folders are made in",
    )
    parser.add_argument(
        "--baseline",
        default="",
        env_var="BASELINE",
        include_in_web_ui=False,
        help="earlier runs of the same attack: the run fails where it is worse",
    )
    parser.set_defaults(web_host=LOOPBACK, master_bind_host=LOOPBACK)  # Locust's own: every interface


def read(options: Any) -> tuple[Scenario, Target]:
    """The scenario and the target that the options name, checked. ConfigError, GuardError."""
    target = targets.load(options.target or "bundled")
    given = {key: getattr(options, key) for key in GIVEN}
    given["protect"] = given["protect"] or None
    given_by = getattr(options, "given_by", SOURCE)
    scenario = scenarios.load(options.scenario, Overrides.read(given, given_by))
    if target.tool_given:
        scenario = with_tool(scenario, target)
    preflight.check(scenario, target, scenarios.find(options.scenario))
    if baseline := getattr(options, "baseline", None):
        preflight.check_baseline(scenario, baseline)
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
    return Path(out) if out else new_dir(RESULTS, name)


def check_out(out: str) -> None:
    """`out` is not there and can be made; nothing is left of the try. Raises ConfigError."""
    path = Path(out)
    if os.path.lexists(path):
        raise ConfigError(SOURCE, "--out", f"{out} is there already, allowed: a new folder")
    missing = [one for one in (path, *path.parents) if not os.path.lexists(one)]
    try:
        path.mkdir(parents=True)
    except OSError as error:
        text = f"{short(out)} cannot be made: {error.strerror}, allowed: a new folder where you may write"
        raise ConfigError(SOURCE, "--out", text) from None
    finally:
        for one in missing:
            with suppress(OSError):
                one.rmdir()


def check_host(host: str | None, target: Target) -> None:
    """Locust's own --host changes nothing, so it must not say other than the target. Raises ConfigError."""
    if host and host.rstrip("/") != target.base_url:
        text = f"{short(host)}, allowed: none, or {target.base_url}; the target's file says where load goes"
        raise ConfigError(SOURCE, "--host", text)


def new_dir(results: Path, name: str) -> Path:
    """A folder under `results` that is not there yet, named by time and scenario."""
    first = results / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{name}"
    candidate, number = first, 1
    while candidate.exists():
        number += 1
        candidate = first.with_name(f"{first.name}-{number}")
    return candidate
