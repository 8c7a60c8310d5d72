"""The command line of `bin/breakpoint`: the highest rate that a gateway bears, by bisection with real runs.

With --protect one search, otherwise the whole table "what each protection buys": none, each protection alone,
each preset. A folder that holds a table of the same search is carried on: a row whose search came to its end
is not searched again. After every row `breakpoint.json` and `breakpoint.html` are whole, so that Ctrl-C, a
kill and the budget leave what is known.
"""

from __future__ import annotations

import argparse
import resource
import sys
from collections.abc import Sequence
from typing import Final

from cli import attack
from cli.attacks import Attacks
from cli.search.request import HIGH, LOW, Plan, read
from cli.search.table import Searches
from cli.search.trials import Trials, attackers, own_rate
from common.errors import ConfigError
from targets.guard import GuardError
from verdicts.breakpoint import table

SCENARIO: Final = "slow-api-breakpoint"
EXIT_UNKNOWN: Final = 3
EPILOG: Final = """\
exit code: 0 every row is answered ("at least" is an answer); 2 bad usage or configuration; 3 a row is not
known, or the search was stopped. Ctrl-C ends the trial and still writes what is known.
"""


def parser() -> argparse.ArgumentParser:
    """All options, with their help."""
    made = attack.Parser(
        prog="bin/breakpoint",
        description="Search the highest rate that a gateway bears within a scenario's bounds.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = made.add_argument
    add(
        "scenario",
        nargs="?",
        default=SCENARIO,
        help=f"a name or a path to a .yaml file (default: {SCENARIO})",
    )
    add("--protect", metavar="SET", help="one search, with these protections; without it the whole table")
    add("--target", default="bundled", metavar="FILE", help="what to attack (default: the bundled stack)")
    add("--low", default=str(LOW), metavar="R", help=f"the lowest rate, req/s of all attackers ({LOW:g})")
    add("--high", metavar="R", help=f"the highest rate ({HIGH:g}, or what the target file allows)")
    add("--start", metavar="R", help="where to begin (the scenario's own rate, or what is known)")
    add("--tolerance", default="0.05", metavar="X", help="how near the bounds must come: 0.05 is 5 %%")
    add("--budget", metavar="TIME", help="how long it may take in all: 40m (15m for each search)")
    add("--tier", metavar="TIER", help="the attackers' plan: free, starter, pro, unlimited")
    add("--duration", metavar="TIME", help="how long the load of a trial lasts")
    add("--workers", metavar="N", help="loading processes beside the master of each trial")
    add("--seed", metavar="N", help="seed of everything random")
    add("--out", metavar="DIR", help="a new folder, or that of a table to carry on")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code."""
    try:
        plan = read(parser().parse_args(arguments))
    except (ConfigError, GuardError) as error:
        print(error, file=sys.stderr)
        return attack.EXIT_USAGE
    plan.folder.mkdir(parents=True, exist_ok=True)
    for line in _begin(plan):
        _say(line)
    with Attacks(plan.folder, _say) as attacks:
        searches = Searches(plan, Trials(attacks, plan.folder, plan.options, plan.scenario), _say)
        searches.run()
        searches.write()
    asked = [row for row in searches.ordered() if row.protect in plan.protects]
    print(table.table(searches.ordered()))
    print(f"  {table.sentence(searches.ordered())}\n  page: {plan.folder / table.PAGE}", flush=True)
    whole = len(asked) == len(plan.protects) and all(row.answered for row in asked)
    return 0 if whole and not attacks.stopped else EXIT_UNKNOWN


def _begin(plan: Plan) -> list[str]:
    accounts, _ = attackers(plan.scenario, own_rate(plan.scenario))
    length = plan.scenario.duration
    lines = [
        f"{plan.scenario.name}, {len(plan.protects)} searches from {plan.low:g} to {plan.high:g} req/s, "
        f"{length:g} s of load a trial, at most {plan.budget / 60:.0f} minutes in all",
        f"a higher rate is more attackers of at most {own_rate(plan.scenario) / accounts:g} req/s each",
    ]
    return [*lines, *([files()] if plan.target.bundled else [])]


def files() -> str:
    """Where this machine's open files end, by figure."""
    _, allowed = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = f"the edge holds 2 for a call: at most {allowed // 2:,} in flight"
    return f"open files: {allowed:,} a process, {most}"


def _say(line: str) -> None:
    print(f"breakpoint: {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
