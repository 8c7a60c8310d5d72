"""A tool's own time: what it takes with nobody else about, seconds.

By `Server-Timing` of the calls that succeeded; where the target does not tell it, by the quiet before load,
in which a run calls the tools that its scenario calls slow (`quiet` of `run.json`).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from telemetry.recording.sample import Outcome
from verdicts.run.reading import Floats, Mask, Run

NAN: Final = float("nan")


def own_seconds(run: Run, code: int) -> float:
    """The median of the tool with this code; NaN where nobody tells it."""
    told = told_seconds(run, run.became(Outcome.OK) & (run.samples["tool"] == code))
    return float(np.median(told)) if told.size else run.manifest.quiet.get(run.manifest.tools[code], NAN)


def told_seconds(run: Run, mask: Mask) -> Floats:
    """What the upstream said of the masked calls that told."""
    told: Floats = run.samples["upstream_s"][mask].astype(np.float64)
    return told[~np.isnan(told)]


def of_calls(run: Run) -> Floats:
    """Of every call: what it told itself, else the tool's own in the quiet; NaN where nobody tells it."""
    quiet = np.array([run.manifest.quiet.get(label, NAN) for label in run.manifest.tools] or [NAN])
    told: Floats = run.samples["upstream_s"].astype(np.float64)
    places = np.minimum(run.samples["tool"], len(quiet) - 1)
    return np.where(np.isnan(told), quiet[places], told)


def called_slow(run: Run, code: int) -> bool:
    """The scenario calls it a slow one."""
    label = run.manifest.tools[code]
    tools = (tool for group in run.scenario.get("groups", ()) for tool in group.get("tools", ()))
    return any(tool.get("role") == "slow" and label_of(tool) == label for tool in tools)


def label_of(tool: dict[str, object]) -> str:
    """How reports name a tool of `run.json`'s scenario."""
    return str(tool["name"]) if "name" in tool else f"{tool['module']}.{tool['tool']}"
