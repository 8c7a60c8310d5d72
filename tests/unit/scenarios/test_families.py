"""Families of scenarios: each once, variants of variants with the first of them."""

from __future__ import annotations

from scenarios import load
from scenarios.families import families


def test_variants_stand_with_the_scenario_that_they_go_back_to() -> None:
    names = ["db-pool-hold", "burst", "db-pool-none", "db-pool", "burst-one-ip"]
    found = {first.name: [one.name for one in rest] for first, rest in families([*map(load.load, names)])}
    assert found["burst"] == ["burst-one-ip"]
    assert found["db-pool"] == ["db-pool-none", "db-pool-hold"]
    assert sum(1 + len(rest) for rest in found.values()) == len(names)


def test_a_variant_of_something_unknown_is_a_family_of_its_own() -> None:
    [(first, rest)] = families([load.load("burst-one-ip")])
    assert (first.name, rest) == ("burst-one-ip", [])
