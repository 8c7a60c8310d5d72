"""`bin/resilience list`: the scenarios by family; `list points`: what each point asks, and who answers it;
`list protections`: what PROTECT= may name, and what each does.

A family is a scenario and its variants: a variant's line says what is other in it. Durations are those of the
load; a run takes about ten seconds more, for the stack and the report.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from cli.launch.parser import Parser, refusing
from common import protections
from common.errors import ConfigError, unknown
from scenarios import load as scenarios
from scenarios.families import families
from scenarios.option import SOURCE
from scenarios.schema import Scenario
from verdicts.points.registry import ASKED

WHAT: Final = ("scenarios", "points", "protections")


@refusing
def main(arguments: Sequence[str] | None = None) -> int:
    """Print the list; 0."""
    parser = Parser(prog="bin/resilience list", description="List the scenarios, points or protections.")
    parser.add_argument("what", nargs="?", default=WHAT[0], help="scenarios (default), points or protections")
    what = parser.parse_args(arguments).what
    if what not in WHAT:
        raise ConfigError(SOURCE, "list", unknown(what, WHAT))
    print("\n".join(_lines(what)))
    return 0


def _lines(what: str) -> Iterator[str]:
    if what == "protections":
        return of_protections()
    known = [scenarios.load(name) for name in scenarios.names()]
    return of_points(known) if what == "points" else of_scenarios(known)


def of_scenarios(known: Sequence[Scenario]) -> Iterator[str]:
    """A line each, its variants below it."""
    width = max(len(one.name) for one in known) + 2
    for scenario, variants in families(known):
        yield f"{scenario.name:<{width}}  {scenario.priority:<7}  {_time(scenario):>6}  {scenario.title.en}"
        for variant in variants:
            yield f"  {variant.name:<{width - 2}}  {'':<7}  {_time(variant):>6}  {variant.title.en}"


def of_points(known: Sequence[Scenario]) -> Iterator[str]:
    """Each point's question, the scenarios that ask it, and what bounds it there."""
    for id, question in ASKED.items():
        yield f"{id:<6} {question.text()}"
        asked = [one for one in known if id in one.points and one.variant_of is None]
        for scenario in asked:
            yield f"         {scenario.name}: {scenario.thresholds.get(id, 'no bound, the figure alone')}"
        if not asked:
            yield f"         {question.scenario or 'every run'}"


def of_protections() -> Iterator[str]:
    """Each protection in the order in which a request meets them: presets, how it refuses, what it does."""
    for row in protections.TABLE:
        refuses = f"{row.status} {row.reason}" if row.reason else "refuses nothing"
        yield f"{row.name:<22}{_presets(row):<17}{refuses:<34}{row.does}"
    presets = ", ".join(protections.PRESETS)
    yield f"Presets: {presets}; `today,-burst-limit` takes one out, `today,+breaker` puts one in."


def _presets(row: protections.Protection) -> str:
    if row.since is None:
        return "all"
    return row.since if row.since == "by name" else f"from {row.since} on"


def _time(scenario: Scenario) -> str:
    return f"{scenario.duration:g} s"
