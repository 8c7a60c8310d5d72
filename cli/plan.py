"""The command line of `bin/plan`: every question of the resilience plan, on one stack, into one page.

    bin/plan --mode quick    # all 11 scenarios, shortened (the default); says what it leaves to full
    bin/plan --mode full     # at their own durations, and further runs
    bin/plan --mode smoke    # phase 1 and one scenario of each priority

Everything is checked before the first run starts. A run is one of `bin/attack`; Ctrl-C or SIGTERM ends the
one under way, which still writes its report, and the plan with it: what is answered by then is in the page.
A run that does not count (its load came late, a process was lost) says nothing of the target: once more.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cli import attack
from cli.attacks import Attacks, checked, new_folder
from cli.attacks import command as attacks_command
from common.errors import ConfigError
from common.paths import ROOT
from run.options import read
from scenarios import plan_runs
from scenarios.load import load
from scenarios.plan_runs import Changes, PlanRun
from targets.guard import GuardError
from verdicts.plan import files
from verdicts.plan.plan_file import PlanFile, PlannedRun

PASSED_ON: Final = ("target", "protect", "workers", "seed")
START: Final = (
    11.0  # seconds that a run takes beside its load: attach, drain, report (measured: docs/plan.md)
)
INVALID: Final = 3
EPILOG: Final = """\
exit code: 0 every question answered, every verdict passed; 1 a verdict failed; 2 bad usage or configuration;
3 a question of the mode has no answer: a run was invalid, could not start, or the plan was stopped.
"""


def parser() -> argparse.ArgumentParser:
    """All options, with their help."""
    made = attack.Parser(
        prog="bin/plan",
        description="Answer the resilience plan; plan.html and plan.md are in results/<time>-plan-<mode>/.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = made.add_argument
    add("--mode", default="quick", help=f"{', '.join(plan_runs.MODES)} (default: quick)")
    add("--target", default="bundled", metavar="FILE", help="what to attack (default: the bundled stack)")
    add(
        "--protect",
        metavar="SET",
        help="protections of the plain runs: a preset or names; today,-burst-limit",
    )
    add("--workers", default="0", metavar="N", help="loading processes beside the master of each run")
    add("--seed", metavar="N", help="seed of everything random")
    add("--out", metavar="DIR", help="a new folder for the results")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code."""
    try:
        options = parser().parse_args(arguments)
        chosen = plan_runs.runs(options.mode)
        folder = new_folder(options.out, f"plan-{options.mode}")
        folders = [folder / f"{number:02d}-{run.name}" for number, (run, _) in enumerate(chosen, 1)]
        commands = [
            words(options, run, changes, out) for (run, changes), out in zip(chosen, folders, strict=True)
        ]
        durations = [load_seconds(checked(command)) for command in commands]
    except (ConfigError, GuardError) as error:
        print(error, file=sys.stderr)
        return attack.EXIT_USAGE
    folder.mkdir(parents=True)
    _say(f"{len(commands)} runs, about {(sum(durations) + START * len(commands)) / 60:.0f} minutes")
    runs = tuple(
        planned(run, command, out) for (run, _), command, out in zip(chosen, commands, folders, strict=True)
    )
    return attack_all(folder, commands, _book(options.mode, runs))


def words(options: argparse.Namespace, run: PlanRun, changes: Changes, out: Path) -> list[str]:
    """The command line of one run, as `bin/attack` takes it; a run's own protections outweigh the plan's."""
    own = {**changes, **({"protect": run.protect} if run.protect else {})}
    given = {**{name: getattr(options, name) for name in PASSED_ON}, **own}
    return attacks_command(run.scenario, given, out)


def load_seconds(options: argparse.Namespace) -> float:
    """How long a checked command line loads its target, seconds; with the wait for a window of the clock."""
    scenario = read(options)[0]
    return scenario.duration + (scenario.align or 0) / 2


def planned(run: PlanRun, command: Sequence[str], out: Path) -> PlannedRun:
    """The run's entry in the book."""
    scenario = load(run.scenario)
    said = " ".join(["bin/attack", *command[:-1]])
    return PlannedRun(
        run.scenario, run.label, run.name, out.name, scenario.points, run.leads, scenario.duration, said
    )


def _book(mode: str, runs: tuple[PlannedRun, ...]) -> PlanFile:
    now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    version, left = (ROOT / "VERSION").read_text().strip(), plan_runs.LEFT.get(mode, ())
    return PlanFile(mode, now, version, runs, left=left)


def attack_all(folder: Path, commands: Sequence[Sequence[str]], book: PlanFile) -> int:
    """Every run in turn, then the page; the exit code. One that does not count is tried once more."""
    book.write(folder)
    with Attacks(folder, _say) as attacks:
        for number, command in enumerate(commands):
            if attacks.stopped:
                break
            label, began = f"[{number + 1}/{len(commands)}] {book.runs[number].name}", time.monotonic()
            _say(label)
            code, out = attacks.run(command), book.runs[number].folder
            if code == INVALID and not attacks.stopped:
                _say(f"{label}: does not count, once more")
                out = f"{out}-again"
                code = attacks.run([*command[:-1], f"--out={folder / out}"])
            took = time.monotonic() - began
            book = book.ended(number, code, took, out)
            book.write(folder)
            _say(f"{label}: exit code {code}, {took:.0f} s")
        return files.derive(folder, again=False)


def _say(line: str) -> None:
    print(f"plan: {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
