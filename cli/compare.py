"""The command line of `bin/compare`: two sets of protections under the same attack, or stored runs.

    bin/compare slow-api --a none --b global-concurrency     A B A B … on one stack, at least 4 runs a side
    bin/compare --run-a results/x --run-b results/y          runs that are there; nothing is sent

A run that is invalid, or did not last to its end, does not count: it goes to `invalid/` and is made again, at
most `REPEATS` times; after that the comparison is invalid.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cli import attack
from cli.attacks import Attacks, checked, new_folder
from common.errors import ConfigError
from run.options import read
from targets.guard import GuardError
from verdicts.compare import comparison, wording
from verdicts.compare.comparison import Side
from verdicts.compare.statistics import MIN_RUNS
from verdicts.output import compare_files
from verdicts.run import stored
from verdicts.run.reading import Run, RunFolderError, load

EXIT_INVALID: Final = 3
MOST_RUNS: Final = 50
REPEATS: Final = 2
PASSED_ON: Final = ("target", "accounts", "rate", "duration", "tier", "seed", "duration_scale", "workers")
USUAL: Final = {"target": "bundled", "workers": "0"}
EPILOG: Final = """\
exit code: 0 compared; 2 bad usage or configuration; 3 a run stayed invalid, or the comparison was stopped.
"""


def parser() -> argparse.ArgumentParser:
    """All options, with their help."""
    made = attack.Parser(
        prog="bin/compare",
        description="Is B better than A? The report is results/<time>-compare-<scenario>/compare.html.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = made.add_argument
    add("scenario", nargs="?", help="the attack that both sides get")
    add("--a", metavar="SET", help="A's protections: a preset or names; today,-burst-limit")
    add("--b", metavar="SET", help="B's protections")
    add("--runs", default=str(MIN_RUNS), metavar="N", help=f"runs a side (default and least: {MIN_RUNS})")
    add("--run-a", metavar="RUNS", help="A's stored runs: folders, or folders that hold runs, by comma")
    add("--run-b", metavar="RUNS", help="B's stored runs")
    add(
        "--target",
        default=USUAL["target"],
        metavar="FILE",
        help="what to attack (default: the bundled stack)",
    )
    add("--accounts", metavar="N", help="accounts; of the groups marked as attack where there are any")
    add("--rate", metavar="R", help="requests per second and account")
    add("--duration", metavar="TIME", help="how long the load of a run lasts: 20s, 2m")
    add("--tier", metavar="TIER", help="the accounts' plan")
    add("--seed", metavar="N", help="seed of everything random")
    add("--duration-scale", metavar="F", default=os.environ.get("DURATION_SCALE") or None, help="time factor")
    add(
        "--workers",
        default=USUAL["workers"],
        metavar="N",
        help="loading processes beside the master of each run",
    )
    add("--out", metavar="DIR", help="a new folder for the results")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code."""
    try:
        options = parser().parse_args(arguments)
        return of_stored(options) if options.run_a or options.run_b else in_turns(options)
    except (ConfigError, GuardError, RunFolderError) as error:
        print(error, file=sys.stderr)
        return attack.EXIT_USAGE
    except Exception:  # ours: 1 would say that something is worse
        traceback.print_exc()
        return EXIT_INVALID


def in_turns(options: argparse.Namespace) -> int:
    """Make the runs and compare them. Raises ConfigError or GuardError before the first one."""
    folder, pairs = planned(options)
    folder.mkdir(parents=True)
    return Turns(folder, options, pairs).run()


def of_stored(options: argparse.Namespace) -> int:
    """Compare runs that are there. Raises ConfigError or RunFolderError."""
    if options.scenario or not (options.run_a and options.run_b):
        raise ConfigError("command line", "", "allowed: a scenario with --a and --b, or --run-a with --run-b")
    sides = [stored.runs(text) for text in (options.run_a, options.run_b)]
    stored.folders(f"{options.run_a},{options.run_b}")  # no run on both sides
    a, b = (
        Side(name, _what(text, runs), runs)
        for name, text, runs in zip("AB", (options.run_a, options.run_b), sides, strict=True)
    )
    found = comparison.compare(a, b, interleaved=False)
    folder = new_folder(options.out, f"compare-{a.runs[0].scenario['name']}")
    folder.mkdir(parents=True)
    _finish(folder, found, _command(RUN_A=options.run_a, RUN_B=options.run_b))
    return 0


def _what(text: str, runs: Sequence[Run]) -> str:
    """A side of stored runs in words: where they are, what was on."""
    return f"{text}, {','.join(runs[0].manifest.protections) or 'none'}"


def planned(options: argparse.Namespace) -> tuple[Path, list[tuple[str, list[str]]]]:
    """The folder, and (side, command line) of every run in turn. Raises ConfigError or GuardError."""
    if not options.scenario or options.a is None or options.b is None:
        raise ConfigError("command line", "", "allowed: a scenario with --a and --b, or --run-a with --run-b")
    count = run_count(options.runs)
    folder = new_folder(options.out, f"compare-{Path(options.scenario).stem}")
    pairs = [
        (side, words(options, side, folder / side / f"{folder.name}-{side}{number}"))
        for number in range(1, count + 1)
        for side in "ab"
    ]
    for side, command in pairs[:2]:
        if not read(checked(command))[1].bundled:
            what = "a target's protections cannot be switched from here"
            raise ConfigError(
                "command line", f"--{side}", f"{what}, allowed: stored runs, --run-a and --run-b"
            )
    return folder, pairs


def run_count(text: str) -> int:
    """How many runs a side. Raises ConfigError."""
    if not (text.isascii() and text.isdigit() and MIN_RUNS <= int(text[:4]) <= MOST_RUNS):
        allowed = f"{MIN_RUNS} to {MOST_RUNS} a side; fewer give no interval"
        raise ConfigError("command line", "--runs", f"{text!r:.40}, allowed: {allowed}")
    return int(text)


def words(options: argparse.Namespace, side: str, out: Path) -> list[str]:
    """The command line of one run, as `bin/attack` takes it."""
    given = [(name, getattr(options, name)) for name in PASSED_ON]
    passed = [f"--{name.replace('_', '-')}={value}" for name, value in given if value]
    return [options.scenario, *passed, f"--protect={getattr(options, side)}", f"--out={out}"]


class Turns:
    """The runs of both sides in turn, on one stack."""

    def __init__(
        self, folder: Path, options: argparse.Namespace, pairs: Sequence[tuple[str, list[str]]]
    ) -> None:
        self._folder, self._options, self._pairs = folder, options, pairs
        self._runs: dict[str, list[Run]] = {"a": [], "b": []}
        self._repeated: list[compare_files.Repeat] = []

    def run(self) -> int:
        """Every run, then the report; the exit code."""
        with Attacks(self._folder, _say) as attacks:
            for number, (side, command) in enumerate(self._pairs, 1):
                label = (
                    f"[{number}/{len(self._pairs)}] {side.upper()}, {getattr(self._options, side) or 'none'}"
                )
                if why := self._counted(label, side, command, attacks):
                    return self._invalid(why)
        a, b = (
            Side(one.upper(), getattr(self._options, one) or "none", tuple(self._runs[one])) for one in "ab"
        )
        _finish(self._folder, comparison.compare(a, b, interleaved=True), self._again(), self._repeated)
        return 0

    def _counted(self, label: str, side: str, command: list[str], attacks: Attacks) -> str:
        """Make a run until it counts; why there is none that does, "" for nothing."""
        why = ""
        for attempt in range(1 + REPEATS):
            _say(label + (f", again: {why}" if attempt else ""))
            code = attacks.run(command)
            if attacks.stopped:
                return f"stopped in {label}"
            run, why = looked_at(_out(command), code)
            if run is not None:
                self._runs[side].append(run)
                return ""
            self._repeated.append((self._put_aside(_out(command), attempt), why))
        return f"{label}: no run of {1 + REPEATS} counts, the last: {why}"

    def _put_aside(self, out: Path, attempt: int) -> str:
        """Where the run that does not count is now, below the folder."""
        place = self._folder / "invalid" / f"{out.name}-{attempt + 1}"
        if out.exists():
            place.parent.mkdir(exist_ok=True)
            out.rename(place)
        return str(place.relative_to(self._folder))

    def _again(self) -> str:
        """The make command that makes it again."""
        options = self._options
        values = {name: getattr(options, name) for name in PASSED_ON}
        given = {name.upper(): value for name, value in values.items() if value and value != USUAL.get(name)}
        turns = {"A": options.a or "none", "B": options.b or "none", "RUNS": options.runs}
        return _command(SCENARIO=options.scenario, **turns, **given)

    def _invalid(self, why: str) -> int:
        compare_files.write_invalid(self._folder, why, self._repeated)
        print(f"INVALID: {why}\n  results: {self._folder}", flush=True)
        return EXIT_INVALID


def _out(command: Sequence[str]) -> Path:
    return Path(command[-1].removeprefix("--out="))


def looked_at(folder: Path, code: int) -> tuple[Run | None, str]:
    """A run that counts, or why it does not."""
    try:
        run = load(folder)
    except RunFolderError:
        return None, f"the run ended with exit code {code} and left no samples"
    if why := comparison.invalid(run):
        return None, why
    if run.load_end < run.duration:
        return None, f"it ended at {run.load_end:.1f} s of {run.duration:g} s"
    return run, ""


def _command(**values: str) -> str:
    return "make compare " + " ".join(f"{key}={shlex.quote(value)}" for key, value in values.items())


def _finish(
    folder: Path,
    found: comparison.Comparison,
    command: str,
    repeated: Sequence[compare_files.Repeat] = (),
) -> None:
    compare_files.write(folder, found, command, repeated)
    print("\n".join(wording.summary(found, folder, repeated)), flush=True)


def _say(line: str) -> None:
    print(f"compare: {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
