"""`bin/worker`: wait for the master, then become one of its Locust workers.

A worker is told everything by its master: scenario, target, tokens. It may be started before the master; it
says so and waits.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Callable, Sequence
from typing import Final

from cli.launch.locust import LOCUST
from cli.launch.parser import Parser, command_parser, forget_environment, refusing
from cli.launch.remote_workers import worker_options
from common import ending, exit_codes
from common.errors import ConfigError
from run.workers import wire_secret
from scenarios.options import OPTIONS

TIMEOUT: Final = 600.0  # seconds for the master to be there
RETRY_INTERVAL: Final = 1.0  # seconds between tries
SAY_INTERVAL: Final = 30.0
EPILOG: Final = "exit code: 2 bad usage; 3 no master; otherwise Locust's, 0 when the master let it go."


def parser() -> Parser:
    """All options, with their help."""
    return command_parser("worker", "Make load for a master.", EPILOG)


@refusing
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code, unless this process became Locust."""
    options = parser().parse_args(arguments)
    port = OPTIONS["port"].read(options.port)
    if not options.master:
        raise ConfigError("command line", "master", "is empty, allowed: the master's host (MASTER=…)")
    wire_secret.check(options.master, os.environ)
    check_name(options.master)
    if not wait_for(options.master, port):
        print(f"no master at {options.master} port {port} within {TIMEOUT:g} s", file=sys.stderr)
        return exit_codes.OURS
    forget_environment()
    ending.hold()
    command = [*LOCUST, *worker_options(options.master, port)]
    return os.execv(command[0], command)


def check_name(host: str) -> None:
    """ConfigError for a name that does not resolve."""
    try:
        socket.getaddrinfo(host, None)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError("command line", "master", f"{host!r:.100} does not resolve: {reason}") from None


def wait_for(
    host: str,
    port: int,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> bool:
    """Until somebody listens there; False if nobody did for `TIMEOUT` seconds. Says at once that it waits."""
    begun = clock()
    said = float("-inf")
    while clock() - begun < TIMEOUT:
        try:
            socket.create_connection((host, port), 2).close()
            return True
        except OSError as error:
            if clock() - said >= SAY_INTERVAL:
                said = clock()
                reason = error.strerror or error
                print(f"waiting for the master at {host} port {port}: {reason}", file=sys.stderr, flush=True)
        sleep(RETRY_INTERVAL)
    return False
