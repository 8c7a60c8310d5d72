"""Starts the whole bundled stack and keeps it until it is told to end, or its starter is gone.

    python -m fakes.stack --keep                        by hand: prints curl lines, ends at Ctrl-C
    python -m fakes.stack --settings - --life-fd 5      by a program: see `fakes.stack.start`
        [--protections today] [--state-file path] [--i-own-this-host host]

`--settings` is a JSON or YAML file with a part of the settings (`fakes.settings`), `-` for stdin.
A database of your own (`database.dsn`) is on this machine, or on the host that `--i-own-this-host` names.
The state file is JSON: {"base_url", "metrics": {name: URL}, "control_url", "control_token",
"signing": {"key", "kid", "issuer", "algorithm"}, "pids": {name: id}}, readable by its owner alone. Once
the stack is healthy one line goes to stdout: `ready <state file>`.

Everything runs at nice +5, so that the load generator has the CPU first. It ends at SIGINT, SIGTERM,
SIGHUP, EOF on the life pipe, and, without such a pipe, when its parent process is gone.
Exit codes: 0 at the end; 2 for bad settings (one line); 3 when it could not start (one line) or clean up.
"""

# Nothing heavy is imported here: until `main` has its handlers, a Ctrl-C ends this silently.
import signal

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import argparse
import os
import sys
from pathlib import Path

NICE = 5


def main(argv: list[str] | None = None) -> int:
    """Parse, start, keep, end; gives the exit code."""
    options = _options(argv)
    os.nice(NICE)
    from fakes.stack.main import run_stack

    return run_stack(options)


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m fakes.stack")
    parser.add_argument("--settings", help="JSON or YAML file, or - for stdin")
    parser.add_argument("--protections", default="today", help="a preset or names (common.protections)")
    parser.add_argument("--state-file", type=Path)
    parser.add_argument("--i-own-this-host", help="the database's host (database.dsn), off loopback")
    parser.add_argument(
        "--shared-config", type=Path, help="the processes' configuration, for those in containers"
    )
    parser.add_argument("--life-fd", type=int, help="end when this pipe reads EOF")
    parser.add_argument("--keep", action="store_true", help="for hand use: print curl lines")
    parser.add_argument("--timeout", type=float, default=60.0, help="seconds to become healthy")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
