"""`bin/metastable`: from which loads and triggers a system comes back, and from where on it stays down.

For each set of protections and each policy of agents the frontier between the two, by bisection with real
runs. A folder that holds a search of the same scenario is carried on: a trial that was made is not made
again, and other lines may be asked for. `metastable.json` is whole after every trial, `metastable.html`
after every row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cli.frontier.request import FrontierRequest, read
from cli.frontier.rows import StormRows
from cli.frontier.storm_trials import StormTrials
from cli.launch import series
from cli.launch.attacks import Attacks, say_all, say_for
from cli.launch.parser import Parser, command_parser, refusing
from common import exit_codes
from telemetry.run_folder.series import SeriesStep
from verdicts.metastable import wording
from verdicts.metastable.answer import answers
from verdicts.metastable.metastable_file import PAGE

EPILOG: Final = """\
--protect takes several sets of protections, with / between them: today/today,load-shedding.
exit code: 0 every frontier was searched to its end, found or not; 2 bad usage or configuration; 3 one was
not, or the search was stopped. With the same --out a search is carried on, also with a larger --budget or
other lines.
"""
say: Final = say_for("metastable")


def parser() -> Parser:
    """All options, with their help."""
    text = "Find the loads and triggers from which a system does not come back, though they are gone."
    return command_parser("metastable", text, EPILOG)


@refusing
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code."""
    request = read(parser().parse_args(arguments))
    request.folder.mkdir(parents=True, exist_ok=True)
    say(_begin(request))
    progress = series.begin(
        request.folder, "metastable", request.scenario.name, PAGE,
        [SeriesStep(name=policy.name) for policy in request.rows], request.budget,
    )  # fmt: skip
    with Attacks(request.folder, say) as attacks:
        rows = StormRows(request, StormTrials(attacks, request), say, progress)
        rows.run()
        rows.write()
    found = rows.document()
    known = answers(found)
    say_all(wording.summary(found, known, request.folder))
    asked = {(row.row.protect, row.row.agents): row for row in known}
    complete = all(policy in asked and asked[policy].finished for policy in request.rows)
    code = exit_codes.PASS if complete and not attacks.stopped else exit_codes.OURS
    progress.over(code)
    return code


def _begin(request: FrontierRequest) -> str:
    loads = ", ".join(f"{load:.3g}" for load in request.loads)
    lengths = ", ".join(f"{length:g} s" for length in request.lengths)
    return (
        f"{request.scenario.name}, {len(request.rows)} searches: triggers at loads of {loads}, loads at "
        f"triggers of {lengths}; 1 is {request.capacity:.4g} first calls a second ({request.capacity_of}); "
        f"at most {request.budget / 60:.0f} minutes in all"
    )
