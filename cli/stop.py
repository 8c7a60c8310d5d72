"""`make stop`: end every run and stack of this checkout, or one run; each run still writes its whole report.

    bin/stop [results/<run>]

Load ends at once; then it waits for the reports. Without a folder all end, but a web UI stays up; with that
of a suite (a plan, a comparison, a search) it ends with its run; with that of one of its runs it goes on.
Exit code: 0 everything ended, or nothing was running (it says which); 2 nothing is under way in that folder,
though elsewhere; 3 something did not end in time.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Final

from cli.launch.parser import command_parser, refusing
from common import exit_codes
from common.errors import ConfigError, short
from common.paths import RESULTS, real
from run import active_runs
from run.active_runs import Running
from scenarios.option import SOURCE

TIMEOUT: Final = 120.0  # seconds: the drain of a run and its report
POLL_INTERVAL: Final = 0.2
EPILOG: Final = "exit code: 0 everything ended, or nothing was running; 2 bad usage; 3 not all ended in time."


@refusing
def main(arguments: Sequence[str] | None = None) -> int:
    """End what the command line names; the exit code."""
    given = command_parser("stop", "End the runs that are under way.", EPILOG).parse_args(arguments)
    return end([given.run] if given.run else [])


def end(
    folders: Sequence[str] = (),
    results: Path = RESULTS,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Tell each once, those in `folders` alone if there are any, and wait; the exit code.

    Raises ConfigError where only others are under way.
    """
    wanted = {real(Path(one)) for one in folders}
    told: dict[int, str] = {}
    deadline = clock() + TIMEOUT
    while live := [one for one in active_runs.under_way(results) if not wanted or _lies_in(one, wanted)]:
        for one in live:
            if one.pid not in told:
                told[one.pid] = one.what
                print(f"stopping {one.what} (process {one.pid})", flush=True)
                active_runs.tell(one)
        if clock() > deadline:
            print(
                f"still running after {TIMEOUT:g} s: {', '.join(one.what for one in live)}", file=sys.stderr
            )
            return exit_codes.OURS
        sleep(POLL_INTERVAL)
    if not told and (others := [one.what for one in active_runs.under_way(results)]):
        text = f"nothing is under way in {short(' '.join(folders))}, allowed: {', '.join(others)}"
        raise ConfigError(SOURCE, "run", text)
    print(f"ended: {', '.join(told.values())}" if told else "nothing is running")
    return 0


def _lies_in(one: Running, wanted: Collection[Path]) -> bool:
    """It is at work in one of the folders, or somewhere below: as a suite's run is."""
    place = real(Path(one.what))
    return any(place.is_relative_to(folder) for folder in wanted)
