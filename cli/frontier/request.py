"""What `bin/metastable` was asked for, checked before anything starts."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Final

from cli.frontier import storms
from cli.frontier.storms import POLICIES, StormPolicy
from cli.launch import carried_on
from cli.search import protection_sets
from cli.search.request import budget, number
from common.durations import seconds
from common.errors import ConfigError
from common.paths import is_folder
from common.strict import validate
from fakes.origin import nano
from run.folders import stamped
from run.request import RunRequest
from scenarios import load as scenarios
from scenarios.option import SOURCE
from scenarios.overrides import Overrides
from scenarios.schema import Scenario
from shapes.frontier.search import StormPoint
from targets import load as targets
from verdicts.breakpoint import table
from verdicts.metastable import metastable_file
from verdicts.metastable.metastable_file import MetastableFile

SETS: Final = "/"  # between sets of protections, whose names stand behind commas
LOADS: Final = (0.15, 0.99, "shares from 15% to 99%")  # above the lowest that is searched
LENGTHS: Final = (2.0, 300.0, "durations from 2 s to 300 s")
Bounds = tuple[float, float, str]
BY_MODEL: Final = "the nano's model"
GIVEN: Final = "given"
BY_SEARCH: Final = "a breakpoint search"


@dataclass(frozen=True)
class FrontierRequest:
    """Checked. `capacity`: first calls a second of a load of 1; `before`: the search that is carried on."""

    options: argparse.Namespace
    scenario: Scenario
    folder: Path
    rows: list[StormPolicy]
    capacity: float
    capacity_of: str
    loads: tuple[float, ...]
    lengths: tuple[float, ...]
    tolerance: float
    scale: float
    budget: float
    before: MetastableFile | None


def read(options: argparse.Namespace) -> FrontierRequest:
    """Check everything. Raises ConfigError or GuardError."""
    if not targets.load(options.target).bundled:
        raise ConfigError(SOURCE, "--target", "no fault can be made there from here, allowed: bundled")
    given = {name: getattr(options, name) for name in ("seed", "stack", "nano")}
    scenario = scenarios.load(options.scenario, Overrides.read(given))
    storms.check(scenario, scenarios.find(options.scenario))
    rows = [StormPolicy(*pair) for pair in product(_protects(options, scenario), _agents(options.agents))]
    capacity, capacity_of = _capacity(options.capacity, scenario)
    scale = number("--duration-scale", options.duration_scale or 1, 1, 60)
    request = FrontierRequest(
        options, scenario, Path(options.out or stamped("metastable")).absolute(), rows, capacity, capacity_of,
        _several("--loads", options.loads, _share, LOADS),
        _several("--lengths", options.lengths, seconds, LENGTHS),
        number("--tolerance", options.tolerance, 0.02, 1), scale, budget(options.budget), None,
    )  # fmt: skip
    _check_rows(request)
    return _carried_on(request)


def _check_rows(request: FrontierRequest) -> None:
    """Each row's hardest trial could be run. Raises ConfigError."""
    corner = StormPoint(max(request.loads), max(request.lengths))
    for policy in request.rows:
        tree = storms.tree(
            request.scenario, "storm-000", policy.agents, corner, request.capacity, request.scale
        )
        validate(Scenario, tree, SOURCE)
        RunRequest.passed_on(
            "metastable", request.options, scenario=request.options.scenario, protect=policy.protect,
            out=str(request.folder / "run-that-is-not"), duration_scale=None,
        ).check()  # fmt: skip


def _carried_on(request: FrontierRequest) -> FrontierRequest:
    options = request.options
    asked = {
        "scenario": request.scenario.name, "capacity": request.capacity, "duration_scale": request.scale,
        "seed": options.seed or "", "stack": options.stack or "", "nano": options.nano or "",
        "scenario_digest": carried_on.digest(request.scenario),
    }  # fmt: skip
    before = carried_on.before(request.folder, metastable_file.FILE, metastable_file.read, asked)
    return replace(request, before=before)


def _protects(options: argparse.Namespace, scenario: Scenario) -> list[str]:
    if options.protect is None:
        return [scenario.protections]
    sets = [",".join(name.strip() for name in one.split(",")) for one in options.protect.split(SETS)]
    return list(dict.fromkeys(one or protection_sets.NONE for one in sets))


def _agents(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in POLICIES:
            raise ConfigError(SOURCE, "--agents", f"{name!r:.40}, allowed: {', '.join(POLICIES)}")
    return list(dict.fromkeys(names))


def _capacity(text: str | None, scenario: Scenario) -> tuple[float, str]:
    """(first calls a second, where that is from). Raises ConfigError."""
    if text is None:
        return _by_model(scenario), BY_MODEL
    if is_folder(Path(text)):
        return _by_search(Path(text), scenario), BY_SEARCH
    return number("--capacity", text, 1, 1e5), GIVEN


def _by_model(scenario: Scenario) -> float:
    settings = scenario.stack_settings()
    rate = nano.capacity(settings.nano, 0.0).rate_by_cpu
    if settings.parts.origin == "real" or rate == float("inf"):
        allowed = "allowed: req/s, or the folder of a breakpoint search"
        raise ConfigError(SOURCE, "--capacity", f"is missing, and no model says it here, {allowed}")
    return rate


def _by_search(folder: Path, scenario: Scenario) -> float:
    """What the row of the scenario's own protections bears, else the one without any."""
    try:
        known = {row.protect: row.borne for row in table.read(folder)[1] if row.borne}
    except (OSError, ValueError):
        known = {}
    rate = known.get(scenario.protections, known.get(protection_sets.NONE))
    if rate is None:
        allowed = f"allowed: a folder whose {table.FILE} has the breakpoint of {scenario.protections} or none"
        raise ConfigError(SOURCE, "--capacity", f"{str(folder)!r:.60}, {allowed}")
    return rate


def _several(key: str, text: str, one: Callable[[str], float], bounds: Bounds) -> tuple[float, ...]:
    """Values by comma, each within its bounds, the highest first. Raises ConfigError."""
    low, high, allowed = bounds
    try:
        values = {one(part.strip()) for part in text.split(",")}
    except ValueError:
        values = {float("nan")}
    if not all(low <= value <= high for value in values):
        raise ConfigError(SOURCE, key, f"{text!r:.40}, allowed: {allowed}, by comma")
    return tuple(sorted(values, reverse=True))


def _share(text: str) -> float:
    return float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
