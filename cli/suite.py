"""The command line of `bin/suite`: a plan's scenarios one after the other on one stack, one report.

Everything is checked before the first run starts. A scenario runs as `bin/attack` does, in a process of its
own; Ctrl-C or SIGTERM ends the run that is under way, which still writes its report, and the suite with it.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cli import attack
from cli.attacks import Attacks, checked, command, new_folder
from common.errors import ConfigError
from scenarios import suites
from targets.guard import GuardError
from verdicts.suite import suite

PASSED_ON: Final = ("target", "protect", "duration_scale", "workers", "seed")
EPILOG: Final = """\
exit code: that of the worst run, and 3 is worse than 2 than 1 than 0:
0 every verdict passed; 1 a verdict failed; 2 bad usage or configuration; 3 a run was invalid,
could not start, or the suite was stopped.
"""


def parser() -> argparse.ArgumentParser:
    """All options, with their help."""
    made = attack.Parser(
        prog="bin/suite",
        description="Run a plan's scenarios on one stack; one report is in results/<time>-suite-<plan>/.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = made.add_argument
    add("plan", help=f"one of {', '.join(suites.PLANS)}")
    add("--target", default="bundled", metavar="FILE", help="what to attack (default: the bundled stack)")
    add("--protect", metavar="SET", help="protections of every run: a preset or names; today,-burst-limit")
    add(
        "--duration-scale",
        metavar="F",
        default=os.environ.get("DURATION_SCALE") or None,
        help="6: a sixth of the time, the stack's windows and intervals scaled with it",
    )
    add("--workers", default="0", metavar="N", help="loading processes beside the master of each run")
    add("--seed", metavar="N", help="seed of everything random")
    add("--out", metavar="DIR", help="a new folder for the results")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code."""
    try:
        options = parser().parse_args(arguments)
        names = suites.plan(options.plan)
        folder = new_folder(options.out, f"suite-{options.plan}")
        commands = [words(options, name, folder / f"{n:02d}-{name}") for n, name in enumerate(names, 1)]
        runs = [checked(one) for one in commands]
    except (ConfigError, GuardError) as error:
        print(error, file=sys.stderr)
        return attack.EXIT_USAGE
    folder.mkdir(parents=True)
    return Suite(folder, options.plan, runs, commands).run()


def words(options: argparse.Namespace, name: str, out: Path) -> list[str]:
    """The command line of one run, as `bin/attack` takes it."""
    return command(name, {one: getattr(options, one) for one in PASSED_ON}, out)


class Suite:
    """The runs of one plan."""

    def __init__(
        self, folder: Path, plan: str, runs: list[argparse.Namespace], commands: list[list[str]]
    ) -> None:
        self._folder, self._plan, self._runs, self._commands = folder, plan, runs, commands
        self._entries: list[suite.SuiteRun] = []

    def run(self) -> int:
        """Every run in turn, then the report; the exit code."""
        with Attacks(self._folder, _say) as attacks:
            for number in range(len(self._runs)):
                if not attacks.stopped:
                    self._one(number, attacks)
            code = suite.write(self._folder, self._plan, self._entries, [run.scenario for run in self._runs])
        print("\n".join(suite.summary(self._folder, self._entries, code)), flush=True)
        return code

    def _one(self, number: int, attacks: Attacks) -> None:
        run = self._runs[number]
        label, began = f"[{number + 1}/{len(self._runs)}] {run.scenario}", time.monotonic()
        _say(label)
        code = attacks.run(self._commands[number])
        self._entries.append(suite.SuiteRun.of(run.scenario, Path(run.out), code))
        _say(f"{label}: exit code {code}, {time.monotonic() - began:.0f} s")


def _say(line: str) -> None:
    print(f"suite: {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
