"""The scenarios as the form shows them, by family: title, and the values that empty fields stand for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from common.errors import ConfigError
from scenarios import load
from scenarios.families import families
from scenarios.schema import Scenario


@dataclass(frozen=True)
class Entry:
    """A scenario of the list; texts, as they stand in the form. `title` of a variant: what is other in it."""

    name: str
    title: str = ""
    priority: str = ""
    accounts: str = ""
    rate: str = ""
    duration: str = ""
    protect: str = ""
    tier: str = ""
    seed: str = ""
    variant_of: str = ""


def entries(names: Sequence[str], language: str) -> list[list[Entry]]:
    """A list a family, the scenario that it is named after first.

    One that cannot be read is a family of its name alone, and is refused when it is chosen.
    """
    known, unread = [], []
    for name in names:
        try:
            known.append((name, load.load(name)))
        except ConfigError:
            unread.append([Entry(name)])
    asked = {id(scenario): name for name, scenario in known}  # a file's path where it was given
    found = families([scenario for _, scenario in known])
    return [
        [_entry(asked[id(one)], one, language) for one in (first, *variants)] for first, variants in found
    ] + unread


def _entry(name: str, scenario: Scenario, language: str) -> Entry:
    groups = [group for group in scenario.groups if group.attack] or list(scenario.groups)
    return Entry(
        name=name,
        title=_told(scenario, language),
        priority=scenario.priority,
        accounts=" + ".join(f"{group.accounts.count}" for group in groups),
        rate=" + ".join(f"{group.rate:g}" for group in groups if group.rate is not None),
        duration=f"{scenario.duration:g}s",
        protect=scenario.protections,
        tier=", ".join(dict.fromkeys(group.accounts.tier for group in groups)),
        seed=f"{scenario.seed}",
        variant_of=scenario.variant_of or "",
    )


def _told(scenario: Scenario, language: str) -> str:
    """Its title; of a variant its own description's first sentence, where it has one: in English alone."""
    if language == "ja" and scenario.title.ja:
        return scenario.title.ja
    first = scenario.description.partition(". ")[0].rstrip(".")
    return first if scenario.variant_of and first else scenario.title.en
