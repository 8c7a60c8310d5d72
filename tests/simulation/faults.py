"""How each fault happens to a world: kind → what to do; False where there was nothing to befall."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from telemetry.recording.journal import FINAL, LEDGER, SAMPLES
from telemetry.recording.sample import SAMPLE
from tests.simulation.cases import Fault
from tests.simulation.cluster import MASTER, Worker
from tests.simulation.loop import Process

if TYPE_CHECKING:
    from tests.simulation.world import World

Happen = Callable[["World", Fault], bool]
_RECORD: Final = bytes(SAMPLE.itemsize)  # arrival 0, answered
HAPPEN: Final[dict[str, Happen]] = {}


def fault(kind: str) -> Callable[[Happen], Happen]:
    def register(happen: Happen) -> Happen:
        HAPPEN[kind] = happen
        return happen

    return register


def _victim(world: World, what: Fault) -> Worker | None:
    worker = world.workers[what.who]
    return worker if worker.process.alive else None


@fault("crash a worker")
def _crash_worker(world: World, what: Fault) -> bool:
    worker = _victim(world, what)
    if worker is not None:
        worker.process.kill()
    return worker is not None


@fault("crash the master")
def _crash_master(world: World, what: Fault) -> bool:
    alive = world.master.process.alive
    world.master.process.kill()
    world.master_died()
    return alive and not world.ended


@fault("power cut")
def _cut_power(world: World, what: Fault) -> bool:
    """Of the master's machine, and so of the exporter."""
    world.disk.cut_power()
    for exporter in world.exporters:
        exporter.process.kill()
    _crash_master(world, what)
    return True


@fault("freeze a worker")
def _freeze_worker(world: World, what: Fault) -> bool:
    worker = _victim(world, what)
    if worker is not None:
        worker.process.freeze(what.lasts)
    return worker is not None


@fault("freeze the master")
def _freeze_master(world: World, what: Fault) -> bool:
    world.master.process.freeze(what.lasts)
    return world.master.process.alive


def _part(world: World, what: Fault, *ways: tuple[str, str]) -> bool:
    for one in ways:
        world.network.cut(*one)
        world.loop.at(what.lasts, None, world.network.heal, *one)
    return True


@fault("part both ways")
def _part_both(world: World, what: Fault) -> bool:
    name = world.workers[what.who].process.name
    return _part(world, what, (MASTER, name), (name, MASTER))


@fault("part from the master")
def _part_from(world: World, what: Fault) -> bool:
    return _part(world, what, (MASTER, world.workers[what.who].process.name))


@fault("part to the master")
def _part_to(world: World, what: Fault) -> bool:
    return _part(world, what, (world.workers[what.who].process.name, MASTER))


@fault("slow link")
def _slow(world: World, what: Fault) -> bool:
    name = world.workers[what.who].process.name
    link = world.network.links[(MASTER, name) if world.random.random() < 0.5 else (name, MASTER)]
    slower = min(what.lasts, 1.5)
    link.slow += slower

    def again() -> None:
        link.slow -= slower

    world.loop.at(what.lasts, None, again)
    return True


@fault("tell a worker to end")
def _end_worker(world: World, what: Fault) -> bool:
    worker = _victim(world, what)
    if worker is not None:
        world.spawn(worker.process, worker.end)
    return worker is not None


@fault("restart a worker")
def _restart(world: World, what: Fault) -> bool:
    """It dies, and comes back as another."""
    worker = _victim(world, what)
    if worker is None:
        return False
    worker.process.kill()
    world.loop.at(what.lasts, None, world.add_worker)
    return True


@fault("stop the run")
def _stop(world: World, what: Fault) -> bool:
    conductor = world.master.conductor
    if conductor is None or world.ended or conductor.start_at != conductor.start_at:
        return False
    world.stopped = True
    world.spawn(world.master.process, lambda: conductor.stop("by the user"))
    return True


@fault("stranger")
def _stranger(world: World, what: Fault) -> bool:
    """A process that nobody knows says things of this run, and a known one of another."""
    stranger = Process(world.loop, "stranger")
    told: list[tuple[str, Any]] = [
        ("load.prepared", {"run": "run", "error": "no"}),
        ("load.clock-told", {"sent": 0.0, "now": 5.0}),
        ("load.entry", {"run": "run", "number": 1, "kind": SAMPLES, "data": _RECORD}),
        ("load.entry", {"run": "run", "number": 1, "kind": FINAL, "data": {"finished": True, "plans": 1}}),
    ]
    known = world.workers[what.who].process
    other = {"run": "before", "number": 1, "kind": LEDGER, "data": {"finished": True, "plans": 1}}
    for kind, data in told:
        world.network.send(stranger, MASTER, kind, data)
    world.network.send(known, MASTER, "load.entry", other)
    world.network.send(known, MASTER, "load.prepared", {"run": "before", "error": "no"})
    return True


def _for_a_while(world: World, what: Fault, thing: Any, name: str, value: Any = True) -> bool:
    before = getattr(thing, name)
    setattr(thing, name, value)
    world.loop.at(what.lasts, None, setattr, thing, name, before)
    return True


@fault("disk full")
def _full(world: World, what: Fault) -> bool:
    return _for_a_while(world, what, world.disk, "full")


@fault("disk fails")
def _fails(world: World, what: Fault) -> bool:
    return _for_a_while(world, what, world.disk, "failing")


@fault("disk slow")
def _slow_disk(world: World, what: Fault) -> bool:
    """Each write holds its process up."""

    def hold() -> None:
        if world.loop.owner is not None:
            world.loop.owner.freeze(world.random.random() * 0.3)

    return _for_a_while(world, what, world.disk, "slow", hold)


@fault("target silent")
def _silent(world: World, what: Fault) -> bool:
    return _for_a_while(world, what, world.target, "silent")


@fault("target resets")
def _resets(world: World, what: Fault) -> bool:
    return _for_a_while(world, what, world.target, "resetting")


@fault("step the wall clock")
def _step(world: World, what: Fault) -> bool:
    """Nothing in a cluster reads it: the monotonic clocks go on."""
    return True


@fault("exporter dies")
def _exporter_dies(world: World, what: Fault) -> bool:
    if not world.exporters or not world.exporters[-1].process.alive:
        return False
    world.exporters[-1].process.kill()
    world.exporters[-1].release()
    world.loop.at(what.lasts, None, world.add_exporter)
    return True


@fault("database away")
def _away(world: World, what: Fault) -> bool:
    return bool(world.exporters) and _for_a_while(world, what, world.database, "away")


@fault("database deaf")
def _deaf(world: World, what: Fault) -> bool:
    return bool(world.exporters) and _for_a_while(world, what, world.database, "deaf")


@fault("bad points")
def _bad(world: World, what: Fault) -> bool:
    return bool(world.exporters) and _for_a_while(world, what, world.database, "picky")


@fault("batches too large")
def _large(world: World, what: Fault) -> bool:
    return bool(world.exporters) and _for_a_while(world, what, world.database, "small")
