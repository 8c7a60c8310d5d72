"""`bin/suite`: the scenarios of a suite one after the other on one stack, one report.

Everything is checked before the first run starts. A scenario runs as `bin/attack` does, in a process of its
own; Ctrl-C or SIGTERM ends the run that is under way, which still writes its report, and the suite with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cli.launch import series
from cli.launch.attacks import Attacks, new_folder, say_all, say_for
from cli.launch.parser import Parser, command_parser, refusing
from run.request import CheckedRun, RunRequest
from scenarios import suites
from verdicts.suite import suite

EPILOG: Final = """\
exit code: that of the worst run, and 3 is worse than 2 than 1 than 0:
0 every verdict passed; 1 a verdict failed; 2 bad usage or configuration; 3 a run was invalid,
could not start, or the suite was stopped.
"""
say: Final = say_for("suite")


def parser() -> Parser:
    """All options, with their help."""
    text = "Run a suite's scenarios on one stack; one report is in results/<time>-suite-<name>/."
    return command_parser("suite", text, EPILOG)


@refusing
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code."""
    options = parser().parse_args(arguments)
    names = suites.members(options.plan)
    folder = new_folder(options.out, f"suite-{options.plan}")
    outs = [folder / f"{number:02d}-{name}" for number, name in enumerate(names, 1)]
    requests = [
        RunRequest.passed_on("suite", options, scenario=name, out=str(out))
        for name, out in zip(names, outs, strict=True)
    ]
    runs = [one.check() for one in requests]
    folder.mkdir(parents=True, exist_ok=True)
    return run_all(folder, options.plan, runs)


def run_all(folder: Path, name: str, runs: Sequence[CheckedRun]) -> int:
    """Every run in turn, then the report; the exit code."""
    entries: list[suite.SuiteRun] = []
    scenarios = [run.request.scenario for run in runs]
    steps = [series.step(run.request.scenario, run, folder) for run in runs]
    progress = series.begin(folder, "suite", name, "suite.html", steps)
    say(series.told(progress.series))
    with Attacks(folder, say) as attacks:
        for place, run in enumerate(runs):
            if attacks.stopped:
                break
            say(progress.begins(place))
            code = attacks.run(run)
            entries.append(suite.SuiteRun.of(run.request.scenario, Path(run.request.out or ""), code))
            say(progress.ended(place, code))
        code = suite.write(folder, name, entries, scenarios)
        progress.over(code)
    say_all(suite.summary(folder, entries, code))
    return code
