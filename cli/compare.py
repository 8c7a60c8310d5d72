"""`bin/compare`: two sets of protections under the same attack, or stored runs.

    bin/compare slow-api --a none --b global-concurrency     A B A B … on one stack, at least 4 runs a side
    bin/compare --run-a results/x --run-b results/y          runs that are there; nothing is sent

A run that is invalid, or did not last to its end, is put aside: it goes to `invalid/` and is made again, at
most `REPEATS` times; after that the comparison is invalid.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from cli.launch import series
from cli.launch.attacks import Attacks, new_folder, say_all, say_for
from cli.launch.parser import Parser, command_parser, refusing
from common import exit_codes
from common.errors import ConfigError
from run.request import CheckedRun, RunRequest
from scenarios import options as table
from telemetry.run_folder.series import SeriesWriter
from verdicts.compare import comparison, wording
from verdicts.compare.comparison import Side
from verdicts.compare.statistics import MIN_RUNS
from verdicts.output import compare_files
from verdicts.run import stored
from verdicts.run.reading import Run, RunFolderError, load

MAX_RUNS: Final = 50
REPEATS: Final = 2
EPILOG: Final = """\
exit code: 0 compared; 2 bad usage or configuration; 3 a run stayed invalid, or the comparison was stopped.
"""
say: Final = say_for("compare")


class Turn(NamedTuple):
    """One run of a comparison; `side` is a or b."""

    side: str
    run: CheckedRun


def parser() -> Parser:
    """All options, with their help."""
    text = "Is B better than A? The report is results/<time>-compare-<scenario>/compare.html."
    return command_parser("compare", text, EPILOG)


@refusing
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code."""
    options = parser().parse_args(arguments)
    return of_stored(options) if options.run_a or options.run_b else in_turns(options)


def in_turns(options: argparse.Namespace) -> int:
    """Make the runs and compare them. Raises ConfigError or GuardError before the first one."""
    folder, turns = planned(options)
    folder.mkdir(parents=True, exist_ok=True)
    return Turns(folder, options, turns).run()


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
    folder.mkdir(parents=True, exist_ok=True)
    _finish(folder, found, table.make("compare", {"run_a": options.run_a, "run_b": options.run_b}))
    return 0


def _what(text: str, runs: Sequence[Run]) -> str:
    """A side of stored runs in words: where they are, what was on."""
    return f"{text}, {','.join(runs[0].manifest.protections) or 'none'}"


def planned(options: argparse.Namespace) -> tuple[Path, list[Turn]]:
    """The folder, and every run in turn, checked. Raises ConfigError or GuardError."""
    if not options.scenario or options.a is None or options.b is None:
        raise ConfigError("command line", "", "allowed: a scenario with --a and --b, or --run-a with --run-b")
    count = run_count(options.runs)
    folder = new_folder(options.out, f"compare-{Path(options.scenario).stem}")
    sides = {side: _checked(options, side, folder / side) for side in "ab"}
    return folder, [
        Turn(side, sides[side].into(folder / side / f"{folder.name}-{side}{number}"))
        for number in range(1, count + 1)
        for side in "ab"
    ]


def _checked(options: argparse.Namespace, side: str, out: Path) -> CheckedRun:
    """A side's run; all runs of a side are the same but for their folder."""
    given = {"scenario": options.scenario, "protect": getattr(options, side), "out": str(out)}
    run = RunRequest.passed_on("compare", options, **given).check()
    if not run.target.bundled:
        what = "a target's protections cannot be switched from here"
        raise ConfigError("command line", f"--{side}", f"{what}, allowed: stored runs, --run-a and --run-b")
    return run


def run_count(text: str) -> int:
    """How many runs a side. Raises ConfigError."""
    if not (text.isascii() and text.isdigit() and MIN_RUNS <= int(text[:4]) <= MAX_RUNS):
        allowed = f"{MIN_RUNS} to {MAX_RUNS} a side; fewer give no interval"
        raise ConfigError("command line", "--runs", f"{text!r:.40}, allowed: {allowed}")
    return int(text)


class Turns:
    """The runs of both sides in turn, on one stack."""

    def __init__(self, folder: Path, options: argparse.Namespace, turns: Sequence[Turn]) -> None:
        self._folder, self._options, self._turns = folder, options, turns
        self._runs: dict[str, list[Run]] = {"a": [], "b": []}
        self._repeated: list[compare_files.Repeat] = []

    def run(self) -> int:
        """Every run, then the report; the exit code."""
        progress = self._progress()
        say(series.told(progress.series))
        with Attacks(self._folder, say) as attacks:
            for place, turn in enumerate(self._turns):
                why = self._until_valid(progress.begins(place), turn, attacks)
                said = progress.ended(place, exit_codes.OURS if why else 0)
                if why:
                    progress.over(exit_codes.OURS)
                    return self._invalid(why)
                say(said)
        a, b = (Side(one.upper(), self._protections(one), tuple(self._runs[one])) for one in "ab")
        _finish(self._folder, comparison.compare(a, b, interleaved=True), self._again(), self._repeated)
        progress.over(0)
        return 0

    def _progress(self) -> SeriesWriter:
        steps = [
            series.step(f"{turn.side.upper()}, {self._protections(turn.side)}", turn.run, self._folder)
            for turn in self._turns
        ]
        scenario = self._turns[0].run.scenario.name
        return series.begin(self._folder, "compare", scenario, "compare.html", steps)

    def _protections(self, side: str) -> str:
        return getattr(self._options, side) or "none"

    def _until_valid(self, label: str, turn: Turn, attacks: Attacks) -> str:
        """Make a run until one is valid; why there is none, "" for nothing."""
        why, out = "", Path(turn.run.request.out or "")
        for attempt in range(1 + REPEATS):
            say(label + (f", again: {why}" if attempt else ""))
            code = attacks.run(turn.run)
            if attacks.stopped:
                return f"stopped in {label}"
            run, why = read_valid(out, code)
            if run is not None:
                self._runs[turn.side].append(run)
                return ""
            self._repeated.append((self._put_aside(out, attempt), why))
        return f"{label}: no run of {1 + REPEATS} counts, the last: {why}"

    def _put_aside(self, out: Path, attempt: int) -> str:
        """Where the run that is not valid is now, below the folder."""
        place = self._folder / "invalid" / f"{out.name}-{attempt + 1}"
        if out.exists():
            place.parent.mkdir(exist_ok=True)
            out.rename(place)
        return str(place.relative_to(self._folder))

    def _again(self) -> str:
        """The make command that makes it again; what is as usual is left out."""
        options = self._options
        turns = {"a": options.a or "none", "b": options.b or "none", "runs": options.runs}
        given = {
            name: value
            for name in table.passed_on("compare", "attack")
            if (value := getattr(options, name)) and value != table.OPTIONS[name].default_of("compare")
        }
        return table.make("compare", {"scenario": options.scenario, **turns, **given})

    def _invalid(self, why: str) -> int:
        compare_files.write_invalid(self._folder, why, self._repeated)
        say_all([f"INVALID: {why}", f"  results: {self._folder}"])
        return exit_codes.OURS


def read_valid(folder: Path, code: int) -> tuple[Run | None, str]:
    """A run that is valid, or why it is not."""
    try:
        run = load(folder)
    except RunFolderError:
        return None, f"the run ended with exit code {code} and left no samples"
    if why := comparison.invalid(run):
        return None, why
    if run.load_end < run.duration:
        return None, f"it ended at {run.load_end:.1f} s of {run.duration:g} s"
    return run, ""


def _finish(
    folder: Path,
    found: comparison.Comparison,
    command: str,
    repeated: Sequence[compare_files.Repeat] = (),
) -> None:
    compare_files.write(folder, found, command, repeated)
    say_all(wording.summary(found, folder, repeated))
