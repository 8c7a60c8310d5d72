"""The commands that make a run again, or its report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
    }
    if scale != 1:
        values["duration_scale"] = f"{scale:g}"
    if run.baseline is not None:
        values["baseline"] = run.baseline["given"]
    if not run.manifest.bundled:
        values["target"] = run.manifest.target.get("file") or "<the target file>"
    return options.make("headless", values)


def _size(scenario: Mapping[str, Any]) -> dict[str, Any]:
    """Accounts and rate go to all groups alike, so they stand only where that says it all."""
    groups = scenario["groups"]
    if len(groups) != 1:
        return {}
    return {"accounts": groups[0]["accounts"]["count"], "rate": f"{groups[0]['rate']:g}"}


def _report(run: Run) -> str:
    return options.make("report", {"run": run.folder})
