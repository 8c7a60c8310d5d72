"""The scenarios as the form shows them: name, title, and the values that empty fields stand for."""

from __future__ import annotations

from dataclasses import dataclass

from common.errors import ConfigError
from scenarios import load


@dataclass(frozen=True)
class Entry:
    """A scenario of the list; texts, as they stand in the form."""

    name: str
    title: str = ""
    priority: str = ""
    accounts: str = ""
    rate: str = ""
    duration: str = ""
    protect: str = ""
    tier: str = ""
    seed: str = ""


def entries(names: list[str]) -> list[Entry]:
    """An entry each; one that cannot be read has its name alone, and is refused when it is chosen."""
    return [_entry(name) for name in names]


def _entry(name: str) -> Entry:
    try:
        scenario = load.load(name)
    except ConfigError:
        return Entry(name)
    groups = [group for group in scenario.groups if group.attack] or list(scenario.groups)
    return Entry(
        name=name,
        title=scenario.title.en,
        priority=scenario.priority,
        accounts=" + ".join(f"{group.accounts.count}" for group in groups),
        rate=" + ".join(f"{group.rate:g}" for group in groups if group.rate is not None),
        duration=f"{scenario.duration:g}s",
        protect=scenario.protections,
        tier=", ".join(dict.fromkeys(group.accounts.tier for group in groups)),
        seed=f"{scenario.seed}",
    )
