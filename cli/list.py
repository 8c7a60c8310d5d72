"""`bin/resilience list`: the scenarios by family; `list points`: what each point asks, and who answers it.

A family is a scenario and its variants: a variant's line says what is other in it. Durations are those of the
load; a run takes about ten seconds more, for the stack and the report.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from cli.launch.parser import Parser, refusing
from common.errors import ConfigError, unknown
from scenarios import load as scenarios
from scenarios.families import families
from scenarios.option import SOURCE
from scenarios.schema import Scenario
from verdicts.points.registry import ASKED

WHAT: Final = ("scenarios", "points")


@refusing
def main(arguments: Sequence[str] | None = None) -> int:
    """Print the list; 0."""
    parser = Parser(prog="bin/resilience list", description="List the scenarios, or the points.")
    parser.add_argument("what", nargs="?", default=WHAT[0], help="scenarios (default) or points")
    what = parser.parse_args(arguments).what
    if what not in WHAT:
        raise ConfigError(SOURCE, "list", unknown(what, WHAT))
    lines = of_scenarios(_all()) if what == WHAT[0] else of_points(_all())
    print("\n".join(lines))
    return 0


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


def _time(scenario: Scenario) -> str:
    return f"{scenario.duration:g} s"


def _all() -> list[Scenario]:
    return [scenarios.load(name) for name in scenarios.names()]
