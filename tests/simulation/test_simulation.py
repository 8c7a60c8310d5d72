"""Two thousand seeds in each run of the tests; the same seed is the same world; a failing one is told and
shrunk."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.simulation.cases import KINDS, Case, Fault, draw
from tests.simulation.faults import HAPPEN
from tests.simulation.knobs import simulated
from tests.simulation.properties import check
from tests.simulation.seeds import try_seeds
from tests.simulation.shrink import shrink
from tests.simulation.trace import Trace
from tests.simulation.world import World

PART = 250


@pytest.fixture
def rare_polls() -> Iterator[None]:
    with simulated():
        yield


@pytest.mark.parametrize("first", range(0, 2000, PART))
def test_every_property_holds_in_every_world(first: int) -> None:
    told = try_seeds(range(first, first + PART))
    assert told.failing == {}
    assert told.seeds == PART
    assert len(told.had) > len(KINDS) / 2


def test_every_kind_of_fault_can_happen() -> None:
    assert set(HAPPEN) == set(KINDS)


@pytest.mark.usefixtures("rare_polls")
def test_the_same_seed_is_the_same_world() -> None:
    for seed in (7, 93, 338):
        first, second = (_told(draw(seed)) for _ in range(2))
        assert first == second
        assert len(first[0]) > 20


def _told(case: Case) -> tuple[list[str], dict[str, bytes]]:
    """What happened, and what is on disk at the end."""
    world = World(case)
    trace = Trace(world)
    world.run()
    return list(trace.lines()), {name: bytes(data) for name, data in world.disk.files.items()}


@pytest.mark.usefixtures("rare_polls")
def test_a_world_is_told_as_lines_and_as_a_diagram() -> None:
    world = World(draw(38))
    trace = Trace(world)
    world.run()
    assert all(re.match(r" *\d+\.\d{4}  \S", line) for line in trace.lines())
    diagram = list(trace.diagram())
    assert diagram[0] == "sequenceDiagram"
    assert any("master->>w1: " in line and "share start_at=" in line for line in diagram)
    assert any("Note over master" in line and "freeze a worker" in line for line in diagram)


def test_a_failing_case_is_shrunk_to_what_it_needs() -> None:
    case = replace(
        draw(38),
        workers=3,
        faults=tuple(Fault(kind, 1.0, 2) for kind in ("disk full", "slow link", "stranger")),
    )
    small = shrink(case, lambda one: any(fault.kind == "slow link" for fault in one.faults))
    assert [fault.kind for fault in small.faults] == ["slow link"]
    assert (small.workers, small.telemetry, small.loss) == (1, False, 0.0)
    assert small.arrivals < 12


@pytest.mark.usefixtures("rare_polls")
@pytest.mark.parametrize(
    "seed", [24, 38, 93, 131, 205, 338, 379, 432, 10674, 27859, 32021, 38692, 170477, 322027, 356722]
)
def test_what_was_found_once_stays_mended(seed: int) -> None:
    """A share told twice or never, a lease renewed when it was over, an arrival on its last instant, …"""
    assert check(World(draw(seed)).run()) == []
