"""The commands that make a run again, or its report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from common import stack_parts
from scenarios import options
from verdicts.run.reading import Run


def commands(run: Run) -> list[tuple[str, str]]:
    """(what it does, command line)."""
    return [("the same attack again", _attack(run)), ("this report from the stored samples", _report(run))]


def _attack(run: Run) -> str:
    scenario = run.scenario
    scale = scenario.get("duration_scale", 1)
    values: dict[str, Any] = {
        "scenario": scenario["name"],
        "duration": f"{run.duration * scale:g}s",
        "protect": scenario.get("protections") or ",".join(run.manifest.protections) or "none",
        "seed": run.manifest.seed,
        **_size(scenario),
        **(_stack(scenario.get("stack", {})) if run.manifest.bundled else {}),
    }
    if scale != 1:
        values["duration_scale"] = f"{scale:g}"
    if run.baseline is not None:
        values["baseline"] = run.baseline["given"]
    if not run.manifest.bundled:
        values["target"] = run.manifest.target.get("file") or "<the target file>"
    return options.make("headless", values)


def _size(scenario: Mapping[str, Any]) -> dict[str, Any]:
    """Accounts, rate and tier go to all attackers alike, so each stands only where that says it all."""
    groups = scenario["groups"]
    attackers = [group for group in groups if group.get("attack")] or groups
    found: dict[str, set[Any]] = {
        "accounts": {group["accounts"]["count"] for group in attackers},
        "rate": {f"{group['rate']:g}" for group in attackers},
        "tier": {group["accounts"].get("tier") for group in attackers} - {None},
    }
    return {name: values.pop() for name, values in found.items() if len(values) == 1}


def _stack(stack: Mapping[str, Any]) -> dict[str, str]:
    """The parts and the nano, where the scenario or who ran it chose them."""
    parts = stack.get("parts", {})
    found: dict[str, str] = {}
    if any(part in parts for part in stack_parts.PARTS):
        found["stack"] = stack_parts.told(parts) or "fakes"
    if stack.get("nano", {}).get("measured_on"):
        found["nano"] = "calibrated"
    elif "nano" in parts:
        found["nano"] = parts["nano"]
    return found


def _report(run: Run) -> str:
    return options.make("report", {"run": run.folder})
