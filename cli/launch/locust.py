"""From a request that was checked to Locust: this process becomes it, or leads it with workers beside it.

The process that leads the load always checks the request: there the guard stands. Several runs in a row
(`cli.launch.attacks`) are checked before the first of them begins, too, so each starts with `bin/resilience
launch`, which itself checks nothing.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

from cli.launch import local_workers
from cli.launch.parser import command_parser, forget_environment
from common import ending, exit_codes
from common.ending import STOP
from common.paths import RESULTS, ROOT
from run import active_runs
from run.request import RunRequest

STARTS: Final = "a run that starts"
LOCUST: Final = (
    sys.executable,
    "-P",
    str(ROOT / "cli" / "launch" / "locust_main.py"),
    "-f",
    str(ROOT / "locustfile.py"),
)


def launch(request: RunRequest, master: Sequence[str] = (), more: Sequence[str] = ()) -> int:
    """Run it; the exit code, unless this process became Locust.

    `master`: Locust's options of a master; `more`: others, of whoever leads.
    """
    forget_environment()
    if not os.environ.get("VERBOSE"):
        os.environ.setdefault("LOCUST_LOGLEVEL", "WARNING")  # a run says for itself how it goes
    command = [*LOCUST, "--headless", *more, *request.locust_words()]
    what = str(Path(request.out).absolute()) if request.out else STARTS
    try:
        if request.worker_count and not master:
            announce = partial(active_runs.announce, RESULTS, what, STOP)
            return local_workers.run(command, [*LOCUST], request.worker_count, announce)
        active_runs.announce(RESULTS, what)
        ending.hold()  # until our locustfile hears them
        os.execv(command[0], [*command, *master])
    except OSError as error:
        print(f"Locust cannot start: {error.strerror}", file=sys.stderr)
        return exit_codes.OURS


def launch_command(request: RunRequest) -> list[str]:
    """The command of a process of its own that launches a request that was checked."""
    return [str(ROOT / "bin" / "resilience"), "launch", *request.words()]


def main(arguments: Sequence[str] | None = None) -> int:
    """Launch what the words of a checked request say."""
    return launch(RunRequest.of(command_parser("attack", "Launch a run.").parse_args(arguments)))
