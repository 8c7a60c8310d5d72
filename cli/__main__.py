"""`bin/resilience COMMAND …`, or `python -m cli COMMAND …`: every command of the suite by its name.

A command is a module of this room whose `main` takes the words after its name, or a program that this
process becomes. Each tells its own options: `bin/resilience attack --help`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final

from cli.launch.locust import LOCUST
from common import ending, exit_codes

COMMANDS: Final = {
    "attack": ("cli.attack", "attack a gateway with one scenario"),
    "suite": ("cli.suite", "the scenarios of a suite on one stack, one report"),
    "plan": ("cli.plan", "answer every question of the resilience plan"),
    "breakpoint": ("cli.breakpoint", "the highest rate that a gateway bears"),
    "tune": ("cli.tune", "the plan's limits found by search"),
    "metastable": ("cli.metastable", "from which loads and triggers it does not come back"),
    "compare": ("cli.compare", "is one set of protections better than another?"),
    "history": ("cli.history", "each figure over all valid runs, and where it changed"),
    "audit": ("cli.audit", "did the attack of another load generator arrive?"),
    "check-target": ("cli.check_target", "a few requests to a target of your own"),
    "list": (
        "cli.list",
        "the scenarios by family; list points: what each asks; list protections: what each does",
    ),
    "stop": ("cli.stop", "end the runs that are under way; each still writes its report"),
    "calibrate": ("cli.calibrate", "measure a real nano here: what the nano's model assumes"),
    "worker": ("cli.worker", "load for a master on another machine"),
    "mcp": ("cli.mcp", "the suite as an MCP server, for AI assistants"),
    "kv-table": ("cli.kv_table", "kv-exhaustion by strategy, failure mode and isolates"),
    "agents-table": ("cli.agents_table", "the P0 attacks by agents as they are, beside the plan's own"),
    "stack": ("cli.stack", "keep the bundled stack up for use by hand"),
}
MASTER: Final = ("attack", "--master")  # a word of its own for those who start one
PYTHON: Final = (sys.executable, "-m")
PROGRAMS: Final = {
    "report": ((*PYTHON, "verdicts"), "derive the report of a run, or of what made several, anew"),
    "ui": (LOCUST, "the web UI; takes Locust's options"),
    "influx": ((*PYTHON, "telemetry.influx.local_influx"), "a local InfluxDB"),
    "flush": ((*PYTHON, "telemetry.exporter.flush"), "send what earlier runs could not to their databases"),
}
BECOME_LOCUST: Final = ("attack", "ui", "launch", "worker")
LAUNCH: Final = "launch"  # of commands that make several runs, each checked before the first began


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the first word names; its exit code."""
    name, *words = (sys.argv[1:] if arguments is None else arguments) or [""]
    if name in ("", "-h", "--help"):
        print(usage(), file=sys.stdout if name else sys.stderr)
        return 0 if name else exit_codes.USAGE
    if name == "master":
        name, words = MASTER[0], [*MASTER[1:], *words]
    if arguments is None:
        ending.end_in_one_line(alone=name in BECOME_LOCUST)
    if name in PROGRAMS:
        command = [*PROGRAMS[name][0], *words]
        if name in BECOME_LOCUST:
            ending.hold()  # until our locustfile hears them
        os.execv(command[0], command)
    if name not in COMMANDS and name != LAUNCH:
        allowed = ", ".join(sorted([*COMMANDS, *PROGRAMS, "master"]))
        print(f"command line: command: {name!r:.40}, allowed: {allowed}", file=sys.stderr)
        return exit_codes.USAGE
    module = "cli.launch.locust" if name == LAUNCH else COMMANDS[name][0]
    code: int = import_module(module).main(words)
    return code


def usage() -> str:
    """Every command, a line each."""
    texts = {name: text for name, (_, text) in [*COMMANDS.items(), *PROGRAMS.items()]}
    texts["master"] = "an attack with its workers on other machines"
    lines = [f"  {name:<13} {text}" for name, text in sorted(texts.items())]
    return "\n".join(["usage: bin/resilience COMMAND …  (COMMAND --help tells its options)", "", *lines])


if __name__ == "__main__":
    sys.exit(main())
