"""One simulated run from beginning to end, of one case: `World(case).run()`, then everything it left is
there."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import lru_cache, partial
from random import Random
from typing import Any, Final, cast

import gevent
import numpy as np

from shapes.constant import constant
from shapes.schedule import Schedule
from telemetry.recording.journal import SAMPLES
from tests.simulation.cases import LEAD, TELEMETRY, Case, Fault
from tests.simulation.cluster import MASTER, Master, Worker
from tests.simulation.disk import Disk
from tests.simulation.faults import HAPPEN
from tests.simulation.knobs import PREPARE_TIMEOUT
from tests.simulation.loop import BEGINNING, NeverRestsError, Process, SimulatedHub, SimulatedLoop, run
from tests.simulation.network import Network
from tests.simulation.target import SimulatedEndpoint, SimulatedSocket, Target
from tests.simulation.telemetry_side import Database, Exporter
from users.accounts.accounts import Account
from users.cluster.conductor import FINISH_TIMEOUT, CannotStartError, Conductor
from users.cluster.performer import LEASE
from users.engine.job import GroupBehaviour, Job
from users.mcp.headers import RequestHeaders
from users.mcp.operations import LIST_TOOLS

HARMLESS: Final = {"stranger", "step the wall clock", "target silent", "target resets", *TELEMETRY}
RUN: Final = "/results/run"
CALL: Final = 2.0  # seconds: the deadline of a call
PATIENCE: Final = (
    2 * PREPARE_TIMEOUT + FINISH_TIMEOUT + 60.0
)  # seconds within which a run is over, whatever comes
AFTER: Final = LEASE + CALL + 1.0  # seconds that a world goes on after its run
MOST_ARRIVALS: Final = 32
_ACCOUNTS: Final = [Account(n, f"a{n}", str(n), "", 0) for n in range(MOST_ARRIVALS)]
_HEADERS: Final = RequestHeaders("/", "t", {}, client_ip_header="X-Account")
_GROUPS: Final = (GroupBehaviour("caller", (LIST_TOOLS,)),)


@lru_cache(maxsize=64)
def schedule_of(arrivals: int, span: float) -> Schedule:
    """Evenly spaced; arrival i is account i's."""
    planned = constant(arrivals / span, span).offsets()
    count = np.arange(len(planned))
    zeros = np.zeros(len(planned), np.uint32)
    return Schedule(planned, count.astype(np.uint32), zeros.astype(np.uint8), zeros)


class World:
    """Everything there is; `failures` are properties that did not hold, in the order they were seen."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.failures: list[str] = []
        self.injected: set[str] = set()
        self.random = random = Random(case.seed)
        self.loop = loop = SimulatedLoop()
        self.schedule = schedule_of(case.arrivals, case.span)
        self.disk = Disk(random)
        self.target = Target(loop, random)
        self.target.twice = self._sent_twice
        self.network = Network(
            loop, random, ordered=case.ordered, delay=case.delay, loss=case.loss, twice=case.twice
        )
        self.master = Master(self._process(MASTER, 0), self.network)
        self.workers: list[Worker] = []
        self.database = Database(random)
        self.points: list[str] = []
        self.exporters: list[Exporter] = []
        self.ended = False  # the run's own course is over
        self.over_at = float("nan")  # true time of that, or of the master's death
        self.cannot = ""  # why the run could not start, or could not be written down
        self.stopped = False
        self.trace: Callable[[str, str], None] = lambda who, what: None
        self._names = itertools.count(1)
        self._put: dict[tuple[str, int], bytes] = {}
        self._acknowledged: dict[str, int] = {}

    # Processes

    def _process(self, name: str, place: int) -> Process:
        return Process(self.loop, name, self.case.rates[place], self.case.offsets[place])

    def add_worker(self) -> Worker:
        """A new worker's process, which begins now."""
        number = next(self._names)
        process = self._process(f"w{number}", 1 + (number - 1) % self.case.workers)
        socket = partial(SimulatedSocket, self.loop, process, self.target)
        endpoint = SimulatedEndpoint(0, None, "t", make=socket)
        job = Job(
            schedule=self.schedule,
            accounts=_ACCOUNTS[: len(self.schedule)],
            groups=_GROUPS,
            endpoint=endpoint,
            headers=_HEADERS,
            token=lambda account: b"",
            timeout=CALL,
        )
        worker = Worker(process, self.network, lambda: job)
        self.workers.append(worker)
        self.spawn(process, worker.run)
        return worker

    def add_exporter(self) -> None:
        """A new exporter's process, which begins now."""
        process = Process(self.loop, f"exporter-{len(self.exporters) + 1}")
        try:
            exporter = Exporter(self.loop, process, self.disk, self.database, self.points)
        except OSError:  # it ends, and says why; the run goes on without it
            return
        self.exporters.append(exporter)
        self.spawn(process, exporter.run)

    def final(self, name: str) -> bool:
        """The conductor has that worker's last word."""
        conductor = self.master.conductor
        return conductor is not None and conductor.nodes[name].journal.final

    @property
    def nothing_died(self) -> bool:
        """No process died or stood still, and no message was lost or held up."""
        return self.case.ordered and not self.injected - HARMLESS

    def spawn(self, process: Process, course: Callable[[], Any], after: float = 0.0) -> None:
        """Run a course in a greenlet of a process."""
        self.loop.at(after, process, lambda: gevent.spawn(course))

    # The run

    def run(self) -> World:
        """To the end."""
        hub = SimulatedHub(self.loop)
        try:
            run_in(self.loop, hub, self._begin)
        except NeverRestsError:
            self.failures.append("the world never came to rest")
        self.failures += [f"{type(error).__name__}: {error}" for error in hub.broke]
        self.broke = hub.broke
        for exporter in self.exporters:
            exporter.release()
        self.disk.close()
        return self

    def _begin(self) -> None:
        master = self.master
        for _ in range(self.case.workers):
            self.add_worker()
        if self.case.telemetry:
            self.add_exporter()
        self.network.watch = self._watch
        master.beats = {worker.process.name: 3 for worker in self.workers}
        self.spawn(master.process, master.run)
        self.spawn(master.process, self._lead)
        for fault in self.case.faults:
            self.loop.at(fault.at, None, self._happen, fault)
        self.loop.at(self.case.last_fault + self.case.span + PATIENCE, None, self._out_of_patience)

    def _happen(self, fault: Fault) -> None:
        if HAPPEN[fault.kind](self, fault):
            self.injected.add(fault.kind)
            self.trace("world", str(fault))

    def _lead(self) -> None:
        """What `run.attack` does of a run."""
        nodes = [(worker.process.name, worker.process.name) for worker in self.workers]
        process = self.master.process
        try:
            conductor = Conductor(
                cast(Any, self.disk.path(RUN)),
                nodes,
                self.master.send,
                self.master.alive,
                self.schedule,
                clock=process.clock,
            )
            self.master.lead(conductor)
            try:
                conductor.prepare({})
                conductor.fix_start(LEAD)
                conductor.start()
                conductor.wait(float("inf") if self.case.drain is None else self.case.span + self.case.drain)
            except (CannotStartError, OSError):
                conductor.stop("the run broke")
                raise
            finally:
                conductor.finish()
            counts = self._finish_telemetry()
            conductor.write_end(counts)
        except (CannotStartError, OSError) as error:
            self.cannot = str(error)
        self._over()
        self.ended = True

    def _finish_telemetry(self) -> dict[str, int]:
        if not self.exporters or not self.exporters[-1].process.alive:
            return {"written": 0, "spooled": 0, "dropped": 0}
        exporter = self.exporters[-1]
        self.spawn(exporter.process, exporter.finish)
        gevent.sleep(3.5)
        return {
            "written": exporter.sender.written,
            "spooled": exporter.spool.points,
            "dropped": exporter.dropped,
        }

    def _over(self) -> None:
        """The run is over, one way or the other; the world goes on for a while."""
        if np.isnan(self.over_at):
            self.over_at = self.loop.now
            self.loop.at(1.0, None, self._end_at_rest)

    def _end_at_rest(self) -> None:
        """End when nothing can be sent any more, even by who should have stopped; or after a while."""
        if self.loop.now - self.over_at >= AFTER or self._at_rest:
            self.loop.stop()
        else:
            self.loop.at(1.0, None, self._end_at_rest)

    @property
    def _at_rest(self) -> bool:
        """All faults and all that is planned is past, each worker is done, none is told to begin anew."""
        conductor, master = self.master.conductor, self.master.process
        to_come = conductor is not None and master.clock() < conductor.start_at + self.case.span
        live = [worker for worker in self.workers if worker.process.alive]
        busy = any(worker.performer.engine is not None or worker.process.frozen for worker in live)
        faults = self.loop.now - BEGINNING < self.case.last_fault
        return not (to_come or busy or faults or self.network.preparing)

    def master_died(self) -> None:
        """Nobody leads any more."""
        self._over()

    def _out_of_patience(self) -> None:
        if not self.ended and self.master.process.alive:
            self.failures.append("the run did not end")
        self.loop.stop()

    # What is checked at each step

    def _sent_twice(self, arrival: int, before: str, now: str) -> None:
        self.failures.append(f"arrival {arrival} was sent twice, by {before} and {now}")

    def _watch(self, sender: Process, to: str, kind: str, data: Any) -> None:
        """Each message as it is sent: what is acknowledged must be on disk."""
        if kind == "load.entry" and data["kind"] == SAMPLES and data["run"] == "run":
            self._put[sender.name, data["number"]] = data["data"]
        elif kind == "load.ack" and sender is self.master.process and data["run"] == "run":
            number = data["number"]
            known = self._acknowledged.get(to, 0)
            conductor = self.master.conductor
            if conductor is None or conductor._over:
                return
            for one in range(known + 1, number + 1):
                told = self._put.get((to, one))
                if told is not None and told not in self.disk.files[f"{RUN}/samples-{to}.bin"]:
                    self.failures.append(f"entry {one} of {to} was acknowledged before it was on disk")
            self._acknowledged[to] = max(known, number)


def run_in(loop: SimulatedLoop, hub: SimulatedHub, begin: Callable[[], None]) -> None:
    """Run a world on its own hub."""
    loop.at(0.0, None, begin)
    run(loop, hub)


__all__ = ["BEGINNING", "World"]
