"""`make stop`: end every run and stack of this checkout, or one run; each run still writes its whole report.

    bin/stop [results/<run>]

Load ends at once; then it waits for the reports. A suite ends with its run, a web UI stays up.
Exit code: 0 everything ended, or nothing was running (it says which); 3 something did not end in time.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from cli.launch.parser import command_parser, refusing
from common import exit_codes
from common.paths import RESULTS, real
from run import active_runs

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
    """Tell each once, those of `folders` alone if there are any, and wait; the exit code."""
    wanted = {real(Path(one)) for one in folders}
    told: dict[int, str] = {}
    deadline = clock() + TIMEOUT
    while live := [
        one for one in active_runs.under_way(results) if not wanted or real(Path(one.what)) in wanted
    ]:
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
    print(f"ended: {', '.join(told.values())}" if told else "nothing is running")
    return 0
