"""Many seeds: each a world, each checked; and what was really injected in how many of them."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import users.personas  # noqa: F401 - registers them, before the first world is timed
from tests.simulation.cases import Case, draw
from tests.simulation.knobs import simulated
from tests.simulation.properties import check
from tests.simulation.world import World

COLLECT_EVERY: int = 100  # worlds: each leaves greenlets that only the collector finds


@dataclass
class Told:
    """Of some seeds: the failing ones with what failed, and how many had what."""

    seeds: int = 0
    failing: dict[int, list[str]] = field(default_factory=dict)
    had: Counter[str] = field(default_factory=Counter)

    def add(self, other: Told) -> None:
        """Of both."""
        self.seeds += other.seeds
        self.failing |= other.failing
        self.had.update(other.had)


def failures(case: Case) -> list[str]:
    """Every property that does not hold in the world of a case."""
    return check(World(case).run())


def try_seeds(seeds: Iterable[int]) -> Told:
    """Run them one after the other; what the worlds leave behind is collected now and then."""
    told = Told()
    with rare_collections():
        for seed in seeds:
            told.add(try_one_after_the_other([seed]))
            if told.seeds % COLLECT_EVERY == 0:
                gc.collect()
    return told


def try_one_after_the_other(seeds: Iterable[int]) -> Told:
    """Run them; the collector is its caller's matter."""
    told = Told()
    with simulated():
        for seed in seeds:
            world = World(draw(seed)).run()
            if found := check(world):
                told.failing[seed] = found
            told.seeds += 1
            told.had.update(_had(world))
    return told


def first_failing(seeds: Iterable[int]) -> int | None:
    """The first seed of which a property does not hold."""
    with simulated(), rare_collections():
        return next((seed for seed in seeds if failures(draw(seed))), None)


@contextmanager
def rare_collections() -> Iterator[None]:
    """Python's collector looks only when it is told to: it would look through all modules each few worlds."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


def _had(world: World) -> Iterator[str]:
    yield from world.injected
    network, conductor = world.network, world.master.conductor
    if network.lost:
        yield "· a message lost"
    if network.repeated:
        yield "· a message twice"
    if network.overtaken:
        yield "· a message overtaken"
    if world.disk.refused:
        yield "· a write refused"
    if world.cannot:
        yield "· the run could not start, or not be written down"
    if conductor is not None:
        lost = sum(node.lost for node in conductor.nodes.values())
        yield f"· lost {lost} of {len(conductor.nodes)} workers" if lost else "· lost no worker"
        if conductor.deals > 1:
            yield "· dealt anew"
    if any(one.at < 1.0 and one.kind.startswith("part") for one in world.case.faults):
        yield "· a partition before the first arrival"
    if not world.injected:
        yield "· no fault at all"
