"""The commands that make a run again, or its report."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from verdicts.run.reading import Run


def commands(run: Run) -> list[tuple[str, str]]:
    """(what it does, command line)."""
    return [("the same attack again", _attack(run)), ("this report from the stored samples", _report(run))]


def _attack(run: Run) -> str:
    scenario = run.scenario
    scale = scenario.get("duration_scale", 1)
    values: dict[str, Any] = {
        "SCENARIO": scenario["name"],
        "DURATION": f"{run.duration * scale:g}s",
        "PROTECT": scenario.get("protections") or ",".join(run.manifest.protections) or "none",
        "SEED": run.manifest.seed,
        **_size(scenario),
    }
    if scale != 1:
        values["DURATION_SCALE"] = f"{scale:g}"
    if run.baseline is not None:
        values["BASELINE"] = run.baseline["given"]
    if not run.manifest.bundled:
        values["TARGET"] = run.manifest.target.get("file") or "<the target file>"
    return "make headless " + " ".join(f"{key}={shlex.quote(str(value))}" for key, value in values.items())


def _size(scenario: Mapping[str, Any]) -> dict[str, Any]:
    """ACCOUNTS and RATE go to all groups alike, so they stand only where that says it all."""
    groups = scenario["groups"]
    if len(groups) != 1:
        return {}
    return {"ACCOUNTS": groups[0]["accounts"]["count"], "RATE": f"{groups[0]['rate']:g}"}


def _report(run: Run) -> str:
    return f"make report RUN={shlex.quote(str(run.folder))}"
