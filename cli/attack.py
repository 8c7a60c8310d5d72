"""`bin/attack`: become Locust, which checks everything before anything starts (`locustfile.py`).

What does not fit is one line and exit code 2. Otherwise the exit code is Locust's, which is the verdict's.
A run with workers beside it is several processes: it is checked here, before the first of them. One that is a
single process is not checked twice: a process that only reads what it needs for that takes 1.2 CPU seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cli.launch.locust import launch
from cli.launch.parser import Parser, command_parser, refusing
from cli.launch.remote_workers import master_options
from cli.list import main as list_scenarios
from run.request import RunRequest

EPILOG: Final = """\
exit code: 0 every verdict passed; 1 a verdict failed; 2 bad usage or configuration;
3 the run was invalid or inconclusive, could not start, or was stopped.
Ctrl-C stops the load and still writes the report.
"""


def parser() -> Parser:
    """All options, with their help."""
    text = "Attack a gateway with one scenario; the verdict and its report are in results/<run>/."
    return command_parser("attack", text, EPILOG)


@refusing
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code, unless this process became Locust."""
    options = parser().parse_args(arguments)
    if options.list:
        return list_scenarios([])
    request = RunRequest.of(options)
    if not request.scenario or (request.worker_count != 0 and not request.master):
        request = request.check().request
    told = ["--json"] if options.json else []
    return launch(request, master_options(request) if request.master else (), told)


def read(words: Sequence[str]) -> RunRequest:
    """What a command line of `bin/attack` asks for, unchecked. Raises ConfigError."""
    return RunRequest.of(parser().parse_args(words))
