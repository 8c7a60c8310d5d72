"""The command line of `bin/attack`: check everything, then become Locust.

Nothing starts before scenario, target, thresholds and overrides are read and fit together; what does
not fit is one line and exit code 2. Otherwise the exit code is Locust's, which is the verdict's.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any, Final, NoReturn

from cli import local_workers, remote_workers
from common.errors import ConfigError
from common.paths import ROOT
from run.options import check_out, read
from scenarios import load as scenarios
from targets.guard import GuardError

EXIT_USAGE: Final = 2
EXIT_CANNOT_START: Final = 3
MOST_WORKERS: Final = 64
PASSED_ON: Final = (
    "target",
    "protect",
    "accounts",
    "rate",
    "duration",
    "out",
    "seed",
    "tier",
    "duration_scale",
    "baseline",
    "stack",
    "nano",
)
LOCUST: Final = (sys.executable, "-m", "locust", "-f", str(ROOT / "locustfile.py"))
EPILOG: Final = """\
exit code: 0 every verdict passed; 1 a verdict failed; 2 bad usage or configuration;
3 the run was invalid or could not start. Ctrl-C stops the load and still writes the report.
"""


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        """Raise it as a ConfigError."""
        raise ConfigError("command line", "", f"{message}; {self.prog} --help tells what is allowed")


def parser() -> argparse.ArgumentParser:
    """All options, with their help."""
    made = Parser(
        prog="bin/attack",
        description="Attack a gateway with one scenario; the verdict and its report are in results/<run>/.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = made.add_argument
    add("scenario", nargs="?", help="a name (see --list) or a path to a .yaml file")
    add("--list", action="store_true", help="list the scenarios and exit")
    add("--target", default="bundled", metavar="FILE", help="what to attack (default: the bundled stack)")
    add(
        "--protect",
        metavar="SET",
        help="protections: none, today, phase1, phase2, all, or names; today,-breaker",
    )
    add("--accounts", metavar="N", help="accounts; of the groups marked as attack where there are any")
    add("--rate", metavar="R", help="requests per second and account")
    add("--duration", metavar="TIME", help="how long load lasts: 20s, 500ms, 2m")
    add("--tier", metavar="TIER", help="the accounts' plan: free, starter, pro, unlimited")
    add("--seed", metavar="N", help="seed of everything random")
    add(
        "--duration-scale",
        metavar="F",
        default=os.environ.get("DURATION_SCALE"),
        help="6: a sixth of the time, the stack's windows and intervals scaled with it",
    )
    add("--stack", metavar="PARTS", default=os.environ.get("STACK"), help="fakes, real, or fakes,origin=real")
    add(
        "--nano",
        metavar="KIND",
        default=os.environ.get("NANO"),
        help="cgroup: a real origin has a nano's memory and CPU; unlimited: it has the machine's",
    )
    add(
        "--workers",
        default="0",
        metavar="N",
        help="loading processes beside the master (default: 0, one in all)",
    )
    add(
        "--baseline",
        metavar="RUNS",
        default=os.environ.get("BASELINE") or None,
        help="earlier runs of the same attack (folders, or folders that hold runs): fail where it is worse",
    )
    add(
        "--master", action="store_true", help="wait for --workers on other machines (bin/worker), then attack"
    )
    add(
        "--bind",
        default=remote_workers.LOOPBACK,
        metavar="ADDRESS",
        help=f"of --master: {remote_workers.BIND_HELP}",
    )
    add(
        "--port",
        default=remote_workers.PORT,
        metavar="N",
        help="of --master: the port it listens on (default: 5557)",
    )
    add("--out", metavar="DIR", help="a new folder for the results (default: results/<time>-<scenario>)")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code, unless this process became Locust."""
    try:
        options = parser().parse_args(arguments)
        if options.list:
            print(listing())
            return 0
        workers = checked(options)
        master = remote_workers.master_options(options.bind, options.port, workers) if options.master else []
    except (ConfigError, GuardError) as error:
        print(error, file=sys.stderr)
        return EXIT_USAGE
    command = [*LOCUST, "--headless", *passed_on(options)]
    try:
        if workers and not options.master:
            return local_workers.run(command, [*LOCUST], workers)
        os.execv(command[0], [*command, *master])
    except OSError as error:
        print(f"Locust cannot start: {error.strerror}", file=sys.stderr)
        return EXIT_CANNOT_START


def checked(options: argparse.Namespace) -> int:
    """Read all that the options name; the number of workers. Raises ConfigError or GuardError."""
    if not options.scenario:
        allowed = ", ".join(scenarios.names())
        raise ConfigError(
            "command line", "scenario", f"is missing, allowed: {allowed}, or a path ending in .yaml"
        )
    read(options)
    if options.out:
        check_out(options.out)
    return worker_count(options.workers)


def worker_count(text: str) -> int:
    """How many workers are asked for. Raises ConfigError."""
    if not (text.isascii() and text.isdigit() and int(text[:4]) <= MOST_WORKERS):
        raise ConfigError("command line", "--workers", f"{text!r:.40}, allowed: 0 to {MOST_WORKERS}")
    return int(text)


def passed_on(options: argparse.Namespace) -> list[str]:
    """The options as the locustfile takes them."""
    given: dict[str, Any] = {name: getattr(options, name) for name in PASSED_ON}
    words = ["--scenario", options.scenario]
    for name, value in given.items():
        words += [f"--{name.replace('_', '-')}={value}"] if value is not None else []
    return words


def listing() -> str:
    """Every scenario, a line each."""
    loaded = [scenarios.load(name) for name in scenarios.names()]
    width = max(len(scenario.name) for scenario in loaded)
    return "\n".join(f"{one.name:<{width}}  {one.priority:<7}  {one.title.en}" for one in loaded)


if __name__ == "__main__":
    sys.exit(main())
