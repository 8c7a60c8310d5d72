"""`bin/breakpoint`: the highest rate that a gateway bears, by bisection with real runs.

With --protect one search, otherwise the whole table "what each protection buys": none, each protection alone,
each preset. A folder that holds a table of the same search is carried on: a row whose search came to its end
is not searched again. After every row `breakpoint.json` and `breakpoint.html` are whole, so that Ctrl-C, a
kill and the budget leave what is known.
"""

from __future__ import annotations

import resource
from collections.abc import Sequence
from typing import Final

from cli.launch import series
from cli.launch.attacks import Attacks, say_all, say_for
from cli.launch.parser import Parser, command_parser, refusing
from cli.search.request import SearchRequest, parts, read
from cli.search.table import Searches
from cli.search.trials import Trials, attackers, own_rate
from common import exit_codes
from telemetry.run_folder.series import SeriesStep
from verdicts.breakpoint import table

EPILOG: Final = """\
exit code: 0 every row was searched to its end ("at least" is an answer); 2 bad usage or configuration; 3 one
was not, or is not known, or the search was stopped. Ctrl-C ends the trial and still writes what is known.
"""
say: Final = say_for("breakpoint")


def parser() -> Parser:
    """All options, with their help."""
    text = "Search the highest rate that a gateway bears within a scenario's bounds."
    return command_parser("breakpoint", text, EPILOG)


@refusing
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code."""
    request = read(parser().parse_args(arguments))
    request.folder.mkdir(parents=True, exist_ok=True)
    for line in _begin(request):
        say(line)
    progress = series.begin(
        request.folder, "breakpoint", request.scenario.name, table.PAGE,
        [SeriesStep(name=protect) for protect in request.protects], request.budget,
    )  # fmt: skip
    with Attacks(request.folder, say) as attacks:
        trials = Trials(attacks, request.folder, request.options, request.scenario)
        searches = Searches(request, trials, say, progress)
        searches.run()
        searches.write()
    asked = [row for row in searches.ordered() if row.protect in request.protects]
    rows = searches.ordered()
    say_all([table.table(rows), f"  {table.sentence(rows)}", f"  page: {request.folder / table.PAGE}"])
    complete = len(asked) == len(request.protects) and all(row.finished for row in asked)
    code = 0 if complete and not attacks.stopped else exit_codes.OURS
    progress.over(code)
    return code


def _begin(request: SearchRequest) -> list[str]:
    accounts, _ = attackers(request.scenario, own_rate(request.scenario))
    length = request.scenario.duration
    lines = [
        f"{request.scenario.name}, {len(request.protects)} searches "
        f"from {request.low:g} to {request.high:g} req/s, "
        f"{length:g} s of load a trial, at most {request.budget / 60:.0f} minutes in all",
        f"a higher rate is more attackers of at most {own_rate(request.scenario) / accounts:g} req/s each",
    ]
    edge = parts(request.options, request.scenario)["edge"]
    return [*lines, *([files(edge)] if request.target.bundled else [])]


def files(edge: str) -> str:
    """Where this machine's open files end, by figure."""
    _, allowed = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = f"the edge holds 2 for a call: at most {allowed // 2:,} in flight"
    if edge == "real":
        most = "the Worker holds 4 for a call, in as many processes as each trial's log says"
    return f"open files: {allowed:,} a process, {most}"
