"""A family: a scenario, and the variants of it. A variant's title says what is other in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scenarios.schema import Scenario


def families(known: Sequence[Scenario]) -> Iterator[tuple[Scenario, list[Scenario]]]:
    """Each scenario that is a variant of none of these, with its variants and theirs."""
    names = {one.name for one in known}
    for scenario in known:
        if scenario.variant_of not in names:
            yield scenario, list(_variants(scenario.name, known))


def _variants(name: str, known: Sequence[Scenario]) -> Iterator[Scenario]:
    for one in known:
        if one.variant_of == name:
            yield one
            yield from _variants(one.name, known)
