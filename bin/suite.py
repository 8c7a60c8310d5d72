"""The command line of `bin/suite`: a plan's scenarios one after the other on one stack, one report.

Everything is checked before the first run starts. A scenario runs as `bin/attack` does, in a process of its
own; Ctrl-C or SIGTERM ends the run that is under way, which still writes its report, and the suite with it.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Final

from bin import cli, distributed
from config.errors import ROOT, ConfigError
from scenarios import plans
from targets.guard import GuardError
from verdicts import suite
from wiring.options import RESULTS, read
from wiring.shared_stack import SharedStack, StackError

EXIT_STOPPED: Final = 3
PASSED_ON: Final = ("target", "protect", "duration_scale", "workers", "seed")
EPILOG: Final = """\
exit code: that of the worst run, and 3 is worse than 2 than 1 than 0:
0 every verdict passed; 1 a verdict failed; 2 bad usage or configuration; 3 a run was invalid,
could not start, or the suite was stopped.
"""


def parser() -> argparse.ArgumentParser:
    """All options, with their help."""
    made = cli.Parser(
        prog="bin/suite",
        description="Run a plan's scenarios on one stack; one report is in results/<time>-suite-<plan>/.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = made.add_argument
    add("plan", help=f"one of {', '.join(plans.PLANS)}")
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
        names = plans.plan(options.plan)
        folder = new_folder(options)
        commands = [words(options, name, folder / f"{n:02d}-{name}") for n, name in enumerate(names, 1)]
        runs = [cli.parser().parse_args(command) for command in commands]
        for run in runs:
            cli.checked(run)
    except (ConfigError, GuardError) as error:
        print(error, file=sys.stderr)
        return cli.EXIT_USAGE
    folder.mkdir(parents=True)
    return Suite(folder, options.plan, runs, commands).run()


def words(options: argparse.Namespace, name: str, out: Path) -> list[str]:
    """The command line of one run, as `bin/attack` takes it."""
    given = [(one, getattr(options, one)) for one in PASSED_ON]
    return [name, *(f"--{one.replace('_', '-')}={value}" for one, value in given if value), f"--out={out}"]


def new_folder(options: argparse.Namespace) -> Path:
    """Where the suite goes. Raises ConfigError for a place that is taken."""
    made = RESULTS / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-suite-{options.plan}"
    folder = Path(options.out) if options.out else made
    if os.path.lexists(folder):
        raise ConfigError("command line", "--out", f"{folder} is there already, allowed: a new folder")
    return folder.absolute()


class Suite:
    """The runs of one plan."""

    def __init__(
        self, folder: Path, plan: str, runs: list[argparse.Namespace], commands: list[list[str]]
    ) -> None:
        self._folder, self._plan, self._runs, self._commands = folder, plan, runs, commands
        self._stack = SharedStack(folder)
        self._child: subprocess.Popen[bytes] | None = None
        self._stopped = False
        self._entries: list[suite.Entry] = []

    def run(self) -> int:
        """Every run in turn, then the report; the exit code."""
        before = {one: signal.signal(one, self._on_signal) for one in (signal.SIGINT, signal.SIGTERM)}
        try:
            for number, run in enumerate(self._runs):
                if not self._stopped:
                    self._one(number, run)
            code = suite.write(self._folder, self._plan, self._entries, [run.scenario for run in self._runs])
        finally:
            self._end_stack()
            for one, previous in before.items():
                signal.signal(one, previous)
        print("\n".join(suite.summary(self._folder, self._entries, code)), flush=True)
        return code

    def _one(self, number: int, run: argparse.Namespace) -> None:
        label, began = f"[{number + 1}/{len(self._runs)}] {run.scenario}", time.monotonic()
        _say(label)
        code = self._attack(number, run)
        self._entries.append(suite.Entry.of(run.scenario, Path(run.out), code))
        _say(f"{label}: exit code {code}, {time.monotonic() - began:.0f} s")

    def _attack(self, number: int, run: argparse.Namespace) -> int:
        try:
            scenario, target = read(run)
            if target.bundled and (said := self._stack.ready_for(scenario)):
                _say(said)
        except StackError as error:
            _say(str(error))
            return EXIT_STOPPED
        if self._stopped:
            return EXIT_STOPPED
        self._child = distributed.start([str(ROOT / "bin" / "attack"), *self._commands[number]])
        code = self._child.wait()
        self._child = None
        return code if code in suite.WORDS else EXIT_STOPPED

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        """The run under way is told once, and ends with its report."""
        if not self._stopped and self._child is not None:
            self._child.send_signal(number)
        self._stopped = True

    def _end_stack(self) -> None:
        try:
            self._stack.stop()
        except StackError as error:
            _say(str(error))


def _say(line: str) -> None:
    print(f"suite: {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
