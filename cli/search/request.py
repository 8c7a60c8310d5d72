"""What `bin/breakpoint` was asked for, checked before anything starts. Rates: all attackers', req/s."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cli.launch import carried_on
from cli.search import protection_sets
from cli.search.trials import check, own_rate
from common import stack_parts
from common.durations import ALLOWED, seconds
from common.errors import ConfigError, short
from run.folders import check_unused, stamped
from scenarios import load as scenarios
from scenarios.overrides import Overrides
from scenarios.schema import Scenario
from targets import load as targets
from targets.schema import Target
from verdicts.breakpoint import table
from verdicts.breakpoint.table import BreakpointRow

HIGH: Final = 2000.0
LOW: Final = 0.5  # req/s, where a target file allows less than others send
EACH: Final = 900.0  # seconds of a search, unless --budget is given


@dataclass(frozen=True)
class SearchRequest:
    """What was asked for, checked."""

    options: argparse.Namespace
    scenario: Scenario
    target: Target
    folder: Path
    protects: list[str]
    low: float
    high: float
    start: float | None
    tolerance: float
    budget: float
    rows: list[BreakpointRow]  # those of a table that is carried on


def read(options: argparse.Namespace) -> SearchRequest:
    """Check everything. Raises ConfigError or GuardError."""
    target = targets.load(options.target)
    scenario = scenarios.load(options.scenario, _overrides(options))
    tolerance = number("--tolerance", options.tolerance, 0.001, 1)
    folder, rows = _folder(options, asked(options, scenario, target, tolerance))
    protects = _protects(options, scenario, target)
    low = number("--low", options.low, 1e-3, HIGH)
    high = number("--high", options.high or _highest(scenario, target), low, 1e5)
    start = None if options.start is None else number("--start", options.start, low, high)
    whole = budget(options.budget) if options.budget else EACH * len(protects)
    for protect, rate in ((protects[0], low), *((protect, high) for protect in protects)):
        check(options, scenario, protect, rate)  # a rate is accounts: the same whatever protects
    return SearchRequest(
        options, scenario, target, folder, protects, low, high, start, tolerance, whole, rows
    )


def parts(options: argparse.Namespace, scenario: Scenario) -> Mapping[str, str]:
    """Part of the bundled stack → its kind: as asked for, else the scenario's."""
    return stack_parts.parse(options.stack) if options.stack else scenario.stack_settings().parts.model_dump()


def asked(
    options: argparse.Namespace, scenario: Scenario, target: Target, tolerance: float
) -> dict[str, Any]:
    """What all rows of a table have in common, as the table tells it."""
    return {
        "scenario": scenario.name,
        "target": target.name,
        "duration_s": scenario.duration,
        "tier": options.tier,
        "stack": stack_parts.told(parts(options, scenario)) if target.bundled else "",
        "nano_kind": options.nano or "",
        "seed": scenario.seed,
        "tolerance": tolerance,
        "scenario_digest": carried_on.digest(scenario),
    }


def _overrides(options: argparse.Namespace) -> Overrides:
    given = {name: getattr(options, name) for name in ("duration", "tier", "seed", "protect")}
    nano = options.nano if options.nano == "calibrated" else None  # its figures are part of what is searched
    return Overrides.read({**given, "nano": nano})


def _protects(options: argparse.Namespace, scenario: Scenario, target: Target) -> list[str]:
    """The rows to search. A target of one's own is as it is: nobody can switch its protections."""
    if options.protect is not None:
        return [",".join(part.strip() for part in options.protect.split(",")) or protection_sets.NONE]
    return protection_sets.rows() if target.bundled else [scenario.protections]


def _highest(scenario: Scenario, target: Target) -> float:
    """The highest rate, where none is given: what a target file allows, less what others send."""
    if target.max_rps is None:
        return HIGH
    return max(LOW, target.max_rps - (scenario.rate - own_rate(scenario)))


def _folder(options: argparse.Namespace, wanted: Mapping[str, Any]) -> tuple[Path, list[BreakpointRow]]:
    """Where the table goes, and the rows that are there already; `wanted`: what they have in common."""
    folder = Path(options.out or stamped(f"breakpoint-{wanted['scenario']}")).absolute()
    if not os.path.lexists(folder):
        return folder, []
    check_unused(folder)
    allowed = f"allowed: a new folder, or one with a {table.FILE} of the same search"
    try:
        found, rows = table.read(folder)
    except (OSError, ValueError):
        raise ConfigError("command line", "--out", f"{folder} is there already, {allowed}") from None
    for key, value in wanted.items():
        if found.get(key, "") != value:
            told = short(found.get(key))
            raise ConfigError("command line", "--out", f"{folder} is of {key} {told}, {allowed}")
    return folder, rows


def number(key: str, text: Any, low: float, high: float) -> float:
    """What `text` says, from `low` to `high`. Raises ConfigError."""
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise ConfigError("command line", key, f"{text!s:.40}, allowed: a number from {low:g} to {high:g}")
    return value


def budget(text: str) -> float:
    """Seconds, more than 0. Raises ConfigError."""
    try:
        value = seconds(text)
    except ValueError as error:
        raise ConfigError("command line", "--budget", f"{text!r:.40}, {error}") from None
    if value <= 0:
        raise ConfigError("command line", "--budget", f"{text!r:.40}, allowed: {ALLOWED}, more than 0")
    return value
