"""`bin/tune`: the plan's limits found by search with real runs.

A folder that holds a search with the same seed is carried on: what was run is not run again. `tune.json` is
whole after every run, `tune.html` and `tune.md` after every stage: Ctrl-C, a kill and the budget leave what
is known. With `--growth` the folder's set is run by size of load, and searched anew where it breaks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from cli.launch import series
from cli.launch.attacks import Attacks, say_all, say_for
from cli.launch.parser import Parser, command_parser, refusing
from cli.tuning import driver
from cli.tuning.driver import STOPPED, Growing, Tuning
from cli.tuning.growth import GrowthSearch
from cli.tuning.proposals import library, optuna_proposals
from cli.tuning.real_runs import RealRuns
from cli.tuning.request import TuneRequest, read
from cli.tuning.search import LimitSearch
from common import exit_codes
from telemetry.run_folder.series import SeriesStep, SeriesWriter
from verdicts.tuning import growth_wording, wording
from verdicts.tuning.answer import Answer
from verdicts.tuning.growth_answer import GrowthAnswer
from verdicts.tuning.tuning_file import PAGE

EPILOG: Final = """\
exit code: 0 a set was found and every attack held its bounds in each of three runs at full length; 1 a bound
broke there; 2 bad usage or configuration; 3 it was stopped, or its budget was over before that was known.
With --growth: 0 each size has an answer that holds; 1 at one nothing that was tried holds; 3 also where this
machine cannot send a size's load.
With the same --out a search is carried on, also with a larger --budget.
"""
say: Final = say_for("tune")


def parser() -> Parser:
    """All options, with their help."""
    text = "Find the values of the plan's limits at which attacks are held and innocent users lose least."
    return command_parser("tune", text, EPILOG)


@refusing
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code."""
    request = read(parser().parse_args(arguments))
    library()
    request.folder.mkdir(parents=True, exist_ok=True)
    return _grow(request) if request.sizes else _search(request)


def _search(request: TuneRequest) -> int:
    shares = request.shares
    search = LimitSearch(request.limits, request.attacks, shares, request.seed, optuna_proposals)
    told = ", ".join(f"{block} {count}" for block, count in shares.items())
    say(f"at most {request.budget / 60:.0f} minutes in all; runs of each search: {told}")
    progress = _begin(request, search.names)
    with _runs(request) as runs:
        tuning = Tuning(request, search, runs, say, progress)
        tuning.run()
    answer = Answer.of(tuning.document())
    say_all(wording.summary(answer, request.folder))
    code = exit_code(answer)
    progress.over(code)
    return code


def _grow(request: TuneRequest) -> int:
    search = GrowthSearch(
        request.limits, request.sizes, request.held, request.seed, optuna_proposals, request.known
    )
    say(f"growth from {driver.changed(request.held)}: at most {request.budget / 60:.0f} minutes in all")
    progress = _begin(request, search.names)
    with _runs(request) as runs:
        growing = Growing(request, search, runs, say, progress)
        growing.run()
    growth = GrowthAnswer.of(growing.part())
    say_all(growth_wording.summary(growth, request.folder))
    code = growth_exit_code(growth)
    progress.over(code)
    return code


def _begin(request: TuneRequest, names: Sequence[str]) -> SeriesWriter:
    steps = [SeriesStep(name=name) for name in names]
    return series.begin(request.folder, "tune", "", PAGE, steps, request.budget)


@contextmanager
def _runs(request: TuneRequest) -> Iterator[RealRuns]:
    with Attacks(request.folder, say) as attacks:
        yield RealRuns(attacks, request.folder, request.options, say)


def growth_exit_code(growth: GrowthAnswer) -> int:
    """What the search by size came to."""
    if growth.growth.ended == STOPPED:
        return exit_codes.OURS
    if growth.failing:
        return exit_codes.FAIL
    return exit_codes.PASS if growth.whole else exit_codes.OURS


def exit_code(answer: Answer) -> int:
    """What the search came to."""
    known = {"confirmed": exit_codes.PASS, "broken": exit_codes.FAIL, "not confirmed": exit_codes.OURS}
    return exit_codes.OURS if answer.found.ended == STOPPED else known[answer.sure]
