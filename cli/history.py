"""`make history`: each figure over all valid runs, and the commits between which it changed.

    bin/resilience history             every series: results/history/history.html, history.md, history.json
    bin/resilience history burst       those of one scenario, each figure drawn: results/history/burst/

Runs append themselves (`verdicts.history.record`); nothing is run here.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from cli.launch.parser import command_parser, refusing
from common import exit_codes
from common.errors import ConfigError, unknown
from scenarios.option import SOURCE
from verdicts.history import pages, store
from verdicts.history.series import of
from verdicts.language.words import chosen

EPILOG = """\
exit code: 0 told; 2 bad usage, or a history without such a run; 3 the pages could not be written.
"""


@refusing
def main(arguments: Sequence[str] | None = None) -> int:
    """Write the pages and tell the changes."""
    parser = command_parser("history", "Each figure over the runs, and where it changed.", EPILOG)
    parser.prog = "bin/resilience history"
    scenario = parser.parse_args(arguments).scenario or ""
    folder = store.place()
    try:
        runs = store.read(folder)
    except store.HistoryError as error:
        raise ConfigError(SOURCE, "history", str(error)) from None
    if not runs:
        raise ConfigError(SOURCE, "history", f"{folder}: holds no run, allowed: after a valid run")
    known = sorted({run.key.scenario for run in runs})
    if scenario and scenario not in known:
        raise ConfigError(SOURCE, "scenario", unknown(scenario, known))
    series = of(run for run in runs if scenario in ("", run.key.scenario))
    place = folder / scenario
    try:
        pages.write(place, series, scenario, chosen())
    except OSError as error:
        print(f"history: a limit of this machine: {error}", file=sys.stderr)
        return exit_codes.OURS
    print("\n".join(pages.summary(series, place)))
    return exit_codes.PASS
