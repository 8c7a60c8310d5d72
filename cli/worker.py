"""The command line of `bin/worker`: wait for the master, then become one of its Locust workers.

A worker is told everything by its master: scenario, target, tokens. It may be started before the master; it
says so and waits.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
import time
from collections.abc import Callable, Sequence
from typing import Final

from cli import attack, remote_workers
from common.errors import ConfigError

WAIT: Final = 600.0  # seconds for the master to be there
AGAIN: Final = 1.0  # seconds between tries
SAY_EVERY: Final = 30.0
EPILOG: Final = "exit code: 2 bad usage; 3 no master; otherwise Locust's, 0 when the master let it go."


def parser() -> argparse.ArgumentParser:
    """All options, with their help."""
    made = attack.Parser(
        prog="bin/worker", description="Make load for a master.", epilog=EPILOG, allow_abbrev=False
    )
    made.add_argument("master", help="the master's host")
    made.add_argument(
        "--port", default=remote_workers.PORT, metavar="N", help="the master's port (default: 5557)"
    )
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code, unless this process became Locust."""
    try:
        options = parser().parse_args(arguments)
        port = remote_workers.port_of(options.port)
        if not options.master:
            raise ConfigError("command line", "master", "is empty, allowed: the master's host (MASTER=…)")
        check_name(options.master)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return attack.EXIT_USAGE
    if not wait_for(options.master, port):
        print(f"no master at {options.master} port {port} within {WAIT:g} s", file=sys.stderr)
        return attack.EXIT_CANNOT_START
    command = [*attack.LOCUST, *remote_workers.worker_options(options.master, port)]
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
    """Until somebody listens there; False if nobody did for `WAIT` seconds. Says at once that it waits."""
    begun = clock()
    said = float("-inf")
    while clock() - begun < WAIT:
        try:
            socket.create_connection((host, port), 2).close()
            return True
        except OSError as error:
            if clock() - said >= SAY_EVERY:
                said = clock()
                reason = error.strerror or error
                print(f"waiting for the master at {host} port {port}: {reason}", file=sys.stderr, flush=True)
        sleep(AGAIN)
    return False


if __name__ == "__main__":
    sys.exit(main())
