"""The P0 attacks by agents as they are: each beside the plan's own, one line each, as Markdown.

    bin/resilience agents-table                       # all of them (half an hour), into results/agents-table/
    bin/resilience agents-table --only agent-loop     # those whose names contain one of the words
    bin/resilience agents-table --read results/agents-table/*   # only the table, from runs that are there

The agents of a preset (docs/agents.md) take the place of the attackers, or of all users where none attacks,
and keep to the last of their tools. A `stuck-loop` is asked for one agent alone: a hundred of them are
10,000 calls a second once they are refused, and no machine of two cores makes those. Runs as
`cli.launch.run_table` has them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from cli.launch import made_scenario
from cli.launch.parser import refusing
from cli.launch.run_table import RunTable
from common.paths import ROOT
from scenarios import load as scenarios
from scenarios.agent_presets import PRESETS
from telemetry.run_folder import verdict_file
from telemetry.run_folder.verdict_file import VerdictFile

LOOP: Final = "agent-loop"
ATTACKS: Final = (LOOP, "slow-api", "upstream-outage")
RESULTS: Final = ROOT / "results" / "agents-table"
HEAD: Final = (
    *(
        "attack",
        "intents sent",
        "of these refused",
        "calls in all",
        "repeats",
        "in flight at the origin (P0.1)",
    ),
    *("memory MiB, modelled (P0.2)", "innocents served % (P0.3)", "other tools served % (P0.4)"),
    *("wait, s (P0.4)", "recovery, s (P0.4)", "verdict"),
)


def rows() -> dict[str, tuple[str, str]]:
    """Name of a run → (the attack, the preset of its agents, "" for the plan's own)."""
    made = [(attack, preset) for attack in ATTACKS for preset in ("", *PRESETS)]
    return {"-".join(filter(None, pair)): pair for pair in made if pair[1] != "stuck-loop" or pair[0] == LOOP}


def names(words: Sequence[str]) -> list[str]:
    """Those that contain one of the words (all, if there are none)."""
    return [name for name in rows() if not words or any(word in name for word in words)]


def tree(name: str) -> dict[str, Any]:
    """The scenario of a run with agents as plain data."""
    attack, preset = rows()[name]
    found = scenarios.load(attack).dump()
    attacking = [group for group in found["groups"] if group["attack"]] or found["groups"]
    groups = [_with(group, preset) if group in attacking else group for group in found["groups"]]
    return {**found, "name": name, "variant_of": attack, "groups": groups}


def _with(group: Mapping[str, Any], preset: str) -> dict[str, Any]:
    """The group as agents of a preset, at the same rate of calls."""
    rate = group["rate"] / PRESETS[preset].get("fan_out", 1)
    tools = group["tools"][-1:] if group["attack"] else group["tools"]
    persona = {"name": "agent", "options": {"preset": preset}}
    return {**group, "rate": rate, "tools": tools, "persona": persona}


def scenario(name: str, out: Path) -> str:
    """What a run attacks with: that of agents is a file beside the runs."""
    attack, preset = rows()[name]
    return made_scenario.write(out, name, tree(name)) if preset else attack


def line(folder: Path) -> list[str]:
    """A run's cells. Raises OSError or ValueError for a folder without verdicts."""
    found = verdict_file.read(folder)
    arrivals, figures = found.arrivals, _figures(found)
    cells = (
        *(found.scenario, arrivals.sent, sum(found.refusals.values())),
        *(arrivals.sent + arrivals.extra, arrivals.retries),
        *(_short(figures.get("P0.1")), _short(figures.get("P0.2")), _short(figures.get("P0.3.innocents"))),
        *(_share(figures, "others_success"), _short(figures.get("wait")), _short(figures.get("recovery"))),
        found.verdict,
    )
    return ["–" if cell is None else str(cell) for cell in cells]


def _figures(found: VerdictFile) -> dict[str, Any]:
    """Values by point, and P0.4's figures by name."""
    values: dict[str, Any] = {point.id: point.value for point in found.points}
    for point in found.points:
        if point.id.startswith("P0.4") and isinstance(point.figures, dict):
            values |= point.figures
    return values


def _short(value: Any) -> str | None:
    return f"{value:.4g}" if isinstance(value, int | float) else None


def _share(figures: Mapping[str, Any], name: str) -> str | None:
    value = figures.get(name)
    return None if value is None else f"{value * 100:.4g}"


@refusing
def main(arguments: Sequence[str] | None = None) -> int:
    """Run and print; see above."""
    text = "The P0 attacks by agents as they are, beside the plan's own."
    return RunTable("agents-table", text, RESULTS, HEAD, names, scenario, line).main(arguments)
