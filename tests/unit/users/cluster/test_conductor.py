"""The conductor and performers over a wire of plain calls, without Locust and without load."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shapes.schedule import Schedule
from telemetry.recording.journal import FINAL, LEDGER, WorkerJournal
from telemetry.recording.sample import REASONS, Outcome, read_samples
from tests.support.manual_clock import ManualClock
from users.cluster.conductor import EVERY_ONE_LOST, REMIND_INTERVAL, CannotStartError, Conductor
from users.cluster.performer import LEASE

EVERY_100_MS = Schedule(  # ten accounts, twenty seconds
    np.arange(200) / 10,
    (np.arange(200) % 10).astype(np.uint32),
    np.zeros(200, np.uint8),
    np.zeros(200, np.uint32),
)


class Worker:
    """What a worker answers; `offset` is its clock minus the conductor's."""

    def __init__(self, name: str, offset: float = 0.0, error: str = "") -> None:
        self.name = name
        self.offset = offset
        self.error = error
        self.shares: list[dict[str, Any]] = []
        self.stops = 0
        self.number = 0
        self.acks: list[dict[str, Any]] = []


class FakeWire:
    """Delivers at once, unless the worker is dead; each clock message takes `delay` each way."""

    def __init__(self, *workers: Worker, clock: ManualClock, delay: float = 0.004) -> None:
        self.workers = {worker.name: worker for worker in workers}
        self.dead: set[str] = set()
        self.clock = clock
        self.delay = delay
        self.conductor: Conductor | None = None

    def tell(self, kind: str, data: dict[str, Any], node: str) -> None:
        assert self.conductor is not None
        self.conductor.handlers()[kind](data, node)

    def entry(self, node: str, kind: str, data: dict[str, Any]) -> None:
        worker = self.workers[node]
        worker.number += 1
        assert self.conductor is not None
        entry = {"run": self.conductor.run, "number": worker.number, "kind": kind, "data": data}
        self.tell("load.entry", entry, node)

    def send(self, kind: str, data: dict[str, Any], node: str) -> None:
        if node in self.dead:
            return
        worker = self.workers[node]
        if kind == "load.prepare":
            self.tell("load.prepared", {"run": data["run"], "error": worker.error}, node)
        elif kind == "load.clock":
            self.clock.now += self.delay
            now = self.clock.now + worker.offset
            self.clock.now += self.delay
            self.tell("load.clock-told", {"sent": data["sent"], "now": now}, node)
        elif kind == "load.share":
            worker.shares.append(data)
        elif kind == "load.ack":
            worker.acks.append(data)
        elif kind == "load.stop":
            worker.stops += 1
        elif kind == "load.finish":
            self.entry(node, FINAL, {"t": 1.0, "finished": True, "plans": len(worker.shares)})


@pytest.fixture(autouse=True)
def closed_journals(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close the files of conductors that never came to their end."""
    made: list[WorkerJournal] = []
    first = WorkerJournal.__init__

    def remember(self: WorkerJournal, *arguments: Any) -> None:
        first(self, *arguments)
        made.append(self)

    monkeypatch.setattr(WorkerJournal, "__init__", remember)
    yield
    for journal in made:
        with suppress(OSError):
            journal.close()


def rig(tmp_path: Path, *workers: Worker) -> tuple[Conductor, FakeWire, ManualClock]:
    clock = ManualClock()
    wire = FakeWire(*workers, clock=clock)
    nodes = [(worker.name, worker.name) for worker in workers]
    run_dir = tmp_path / "run"
    run_dir.mkdir()
    alive = lambda: set(wire.workers) - wire.dead  # noqa: E731
    conductor = Conductor(run_dir, nodes, wire.send, alive, EVERY_100_MS, clock=clock)
    wire.conductor = conductor
    return conductor, wire, clock


def test_every_worker_gets_its_rank_and_the_start_by_its_own_clock(tmp_path: Path) -> None:
    workers = [Worker("a"), Worker("b", offset=5.0), Worker("c", offset=-2.5)]
    conductor, _, _ = rig(tmp_path, *workers)
    conductor.prepare({})
    start = conductor.fix_start(1.0)
    conductor.start()
    for rank, worker in enumerate(workers):
        (share,) = worker.shares
        assert share["deals"] == [{"rank": rank, "of": 3, "from_t": float("-inf")}]
        assert share["start_at"] == pytest.approx(start + worker.offset)


def test_a_worker_that_refuses_is_named(tmp_path: Path) -> None:
    conductor, _, _ = rig(tmp_path, Worker("a"), Worker("b", error="is version 2"))
    with pytest.raises(CannotStartError, match="worker b: is version 2"):
        conductor.prepare({})


def test_no_run_starts_by_a_clock_that_was_not_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("users.cluster.conductor.PREPARE_TIMEOUT", 0.05)
    conductor, _, _ = rig(tmp_path, Worker("a"), Worker("b"))
    monkeypatch.setattr(conductor, "_on_clock", lambda data, node_id: None)
    with pytest.raises(CannotStartError, match="worker a did not tell its clock"):
        conductor.prepare({})


def test_no_run_starts_by_a_clock_that_is_known_too_badly(tmp_path: Path) -> None:
    conductor, wire, _ = rig(tmp_path, Worker("a"))
    wire.delay = 0.6
    with pytest.raises(CannotStartError, match=r"worker a told its clock after 1\.2 s, allowed: 1 s"):
        conductor.prepare({})


def test_a_lost_worker_closes_the_epoch(tmp_path: Path) -> None:
    workers = [Worker("a"), Worker("b"), Worker("c")]
    conductor, wire, clock = rig(tmp_path, *workers)
    conductor.prepare({})
    conductor.fix_start(1.0)
    conductor.start()
    clock.now = conductor.start_at + 10
    wire.dead.add("b")
    wire.entry("a", LEDGER, {"finished": False})
    conductor._find_losses()
    for rank, worker in enumerate((workers[0], workers[2])):
        first, second = worker.shares[-1]["deals"]
        assert first == worker.shares[0]["deals"][0]
        assert second == {"rank": rank, "of": 2, "from_t": pytest.approx(10 + LEASE)}
    assert len(workers[1].shares) == 1


def started(tmp_path: Path, *names: str) -> tuple[Conductor, FakeWire, ManualClock]:
    """A run whose load began."""
    conductor, wire, clock = rig(tmp_path, *map(Worker, names))
    conductor.prepare({})
    conductor.fix_start(1.0)
    conductor.start()
    return conductor, wire, clock


def at(conductor: Conductor, clock: ManualClock, t: float) -> None:
    clock.now = conductor.start_at + t


def unsent(conductor: Conductor, tmp_path: Path, name: str) -> list[float]:
    """When the arrivals were planned that were dropped for a worker's loss, as its end writes them."""
    conductor._write_unsent()
    return recorded(tmp_path, name)


def recorded(tmp_path: Path, name: str) -> list[float]:
    samples = read_samples(tmp_path / "run" / f"samples-{name}.bin")
    assert {REASONS[reason] for reason in samples["reason"]} <= {"worker_lost"}
    assert (samples["outcome"] == Outcome.DROPPED).all()
    assert np.isnan(samples["sent"]).all()
    return [float(planned) for planned in samples["planned"]]


def of_rank(rank: int, of: int, since: float, until: float) -> list[float]:
    """The arrivals of a rank planned from `since` to `until`."""
    share = EVERY_100_MS.planned[EVERY_100_MS.share(rank, of, since)]
    return [float(planned) for planned in share[share < until]]


def test_a_killed_workers_arrivals_after_its_lease_are_dropped_up_to_the_new_deal(tmp_path: Path) -> None:
    conductor, wire, clock = started(tmp_path, "a", "b", "c")
    at(conductor, clock, 5.05)
    wire.entry("b", LEDGER, {"finished": False, "plans": 1})
    wire.dead.add("b")
    at(conductor, clock, 9.5)
    conductor._find_losses()
    assert wire.workers["a"].shares[-1]["deals"][-1]["from_t"] == pytest.approx(9.5 + LEASE)
    assert unsent(conductor, tmp_path, "b") == of_rank(1, 3, 5.05 + LEASE, 9.5 + LEASE)


def test_a_worker_that_leaves_says_from_when_on_it_sends_nothing(tmp_path: Path) -> None:
    conductor, wire, clock = started(tmp_path, "a", "b")
    at(conductor, clock, 6.0)
    wire.entry("b", FINAL, {"finished": True, "plans": 1, "t": 5.55, "left": 5.55})
    conductor._find_losses()
    assert conductor.nodes["b"].lost
    assert unsent(conductor, tmp_path, "b") == of_rank(1, 2, 5.55, 6.0 + LEASE)


def test_what_others_would_have_taken_over_after_a_stop_is_not_dropped(tmp_path: Path) -> None:
    """It was not planned; counted all the same it would stand in for an arrival of which nothing is known."""
    conductor, wire, clock = started(tmp_path, "a", "b")
    at(conductor, clock, 5.05)
    wire.entry("b", LEDGER, {"finished": False, "plans": 1})
    wire.dead.add("b")
    at(conductor, clock, 9.5)
    conductor._find_losses()
    at(conductor, clock, 11.0)
    conductor.stop("SIGINT")
    assert unsent(conductor, tmp_path, "b") == of_rank(1, 2, 5.05 + LEASE, 11.0)


def test_who_left_unheard_until_the_end_is_lost(tmp_path: Path) -> None:
    conductor, wire, clock = started(tmp_path, "a", "b")
    at(conductor, clock, 6.0)
    conductor.stop("SIGINT")
    wire.entry("b", FINAL, {"finished": True, "plans": 1, "t": 2.05, "left": 2.05})
    wire.workers["b"].number += 1  # it says nothing more
    conductor.finish()
    assert conductor.nodes["b"].lost
    assert recorded(tmp_path, "b") == of_rank(1, 2, 2.05, 6.0)


def test_what_was_given_to_a_worker_that_never_heard_of_it_is_dropped(tmp_path: Path) -> None:
    conductor, wire, clock = started(tmp_path, "a", "b")
    wire.workers["b"].shares.clear()  # lost on the wire
    at(conductor, clock, 6.0)
    conductor.stop("SIGINT")
    conductor.finish()
    assert not conductor.nodes["b"].lost
    assert recorded(tmp_path, "b") == of_rank(1, 2, 0.0, 6.0)
    assert recorded(tmp_path, "a") == []


def test_a_share_that_nobody_answers_is_told_again(tmp_path: Path) -> None:
    conductor, wire, clock = started(tmp_path, "a", "b")
    wire.entry("a", LEDGER, {"finished": False, "plans": 1})
    clock.now += REMIND_INTERVAL
    conductor._remind()
    assert len(wire.workers["a"].shares) == 1
    first, second = wire.workers["b"].shares
    assert second == {**first, "now": first["now"] + REMIND_INTERVAL}
    assert conductor.nodes["b"].heard == clock.now  # its lease may have begun again
    wire.entry("b", LEDGER, {"finished": False, "plans": 1})
    clock.now += REMIND_INTERVAL
    conductor._remind()
    assert len(wire.workers["b"].shares) == 2


def test_two_losses_shortly_after_each_other_leave_no_arrival_to_nobody_or_to_two(tmp_path: Path) -> None:
    conductor, wire, clock = started(tmp_path, "a", "b", "c")
    at(conductor, clock, 6.0)
    for name in ("b", "c"):
        wire.entry(name, FINAL, {"finished": True, "plans": 1, "t": 6.0, "left": 6.0})
        conductor._find_losses()
        at(conductor, clock, 6.3)
    _, first, second = wire.workers["a"].shares[-1]["deals"]
    assert (first["of"], second["of"], second["from_t"]) == (2, 1, pytest.approx(6.3 + LEASE))
    until = second["from_t"]
    dropped = unsent(conductor, tmp_path, "b") + recorded(tmp_path, "c")
    mine = of_rank(0, 3, 6.0, first["from_t"]) + of_rank(0, 2, first["from_t"], until)
    assert sorted(dropped + mine) == of_rank(0, 1, 6.0, until)


def test_a_lost_worker_that_comes_back_is_told_and_its_entries_are_kept(tmp_path: Path) -> None:
    conductor, wire, clock = started(tmp_path, "a", "b")
    wire.dead.add("b")
    at(conductor, clock, 8.0)
    conductor._find_losses()
    wire.dead.clear()
    wire.entry("b", LEDGER, {"finished": False, "plans": 1})
    assert wire.workers["b"].acks[-1] == {"run": "run", "number": 1, "deals": 2, "lost": True}
    assert conductor.nodes["b"].journal.applied == 1
    wire.entry("a", LEDGER, {"finished": True, "plans": 2})
    conductor.wait()
    conductor.finish()
    wire.entry("b", LEDGER, {"finished": False, "plans": 1})
    assert wire.workers["b"].acks[-1] == {"run": "run", "number": 2, "deals": 2, "lost": True}


def test_who_was_finished_is_not_before_the_new_deal_is_carried_out(tmp_path: Path) -> None:
    conductor, wire, clock = started(tmp_path, "a", "b")
    wire.entry("a", LEDGER, {"finished": True, "plans": 1})
    assert not conductor._all_done()
    wire.dead.add("b")
    at(conductor, clock, 8.0)
    assert not conductor._all_done()
    wire.entry("a", LEDGER, {"finished": True, "plans": 1})  # said before it heard of the new deal
    assert not conductor._all_done()
    wire.entry("a", LEDGER, {"finished": True, "plans": 2})
    assert conductor._all_done()


def test_after_a_stop_a_loss_makes_no_new_deal(tmp_path: Path) -> None:
    conductor, wire, clock = started(tmp_path, "a", "b")
    at(conductor, clock, 8.0)
    conductor.stop("SIGINT")
    wire.dead.add("b")
    at(conductor, clock, 8.2)
    conductor.wait()
    assert len(wire.workers["a"].shares) == 1
    assert conductor.stop_reason == "SIGINT"
    assert unsent(conductor, tmp_path, "b") == of_rank(1, 2, LEASE - 1.0, 8.0)


def test_the_end_names_who_was_lost(tmp_path: Path) -> None:
    conductor, wire, _ = rig(tmp_path, Worker("a"), Worker("b"))
    conductor.prepare({})
    conductor.fix_start(1.0)
    conductor.start()
    wire.dead.add("b")
    conductor._find_losses()
    wire.entry("a", LEDGER, {"finished": True, "plans": 2})
    conductor.wait()
    conductor.finish()
    conductor.write_end({"written": 0, "spooled": 0, "dropped": 0})
    end = json.loads((tmp_path / "run" / "end.json").read_text())
    assert end["stop_reason"] == "completed"
    assert {worker["name"]: worker["lost"] for worker in end["workers"]} == {"a": False, "b": True}


def test_when_nobody_is_left_the_run_says_so(tmp_path: Path) -> None:
    conductor, wire, clock = rig(tmp_path, Worker("a"))
    conductor.prepare({})
    conductor.fix_start(1.0)
    conductor.start()
    wire.dead.add("a")
    clock.now = conductor.start_at + 10
    conductor.wait()
    assert (conductor.stop_reason, conductor.stopped_at) == (EVERY_ONE_LOST, 10)


def test_stop_reaches_everyone_once_and_keeps_its_first_reason(tmp_path: Path) -> None:
    workers = [Worker("a"), Worker("b")]
    conductor, _, _ = rig(tmp_path, *workers)
    conductor.stop("SIGINT")
    conductor.stop("SIGTERM")
    conductor.wait()
    assert conductor.stop_reason == "SIGINT"
    assert [worker.stops for worker in workers] == [1, 1]


def test_what_is_open_after_the_drain_is_aborted_and_the_run_is_complete(tmp_path: Path) -> None:
    worker = Worker("a")
    conductor, wire, clock = rig(tmp_path, worker)
    conductor.prepare({})
    conductor.fix_start(1.0)
    conductor.start()
    clock.now = conductor.start_at + 38.0
    send = wire.send

    def aborting(kind: str, data: dict[str, Any], node: str) -> None:
        send(kind, data, node)
        if kind == "load.stop":
            assert data == {"drained": True}
            wire.entry(node, LEDGER, {"finished": True, "plans": 1})

    conductor._send = aborting
    conductor.wait(drained=38.0)
    assert worker.stops == 1
    assert (conductor.stop_reason, conductor.stopped_at) == ("completed", None)


def test_a_run_that_is_over_before_its_drain_aborts_nothing(tmp_path: Path) -> None:
    worker = Worker("a")
    conductor, wire, clock = rig(tmp_path, worker)
    conductor.prepare({})
    conductor.fix_start(1.0)
    conductor.start()
    clock.now = conductor.start_at + 37.9
    wire.entry("a", LEDGER, {"finished": True, "plans": 1})
    conductor.wait(drained=38.0)
    assert (worker.stops, conductor.stop_reason) == (0, "completed")


def test_what_strangers_and_other_runs_say_is_ignored(tmp_path: Path) -> None:
    conductor, wire, _ = rig(tmp_path, Worker("a"))
    wire.tell("load.prepared", {"run": "another", "error": ""}, "a")
    assert not conductor.nodes["a"].prepared.is_set()
    wire.tell("load.entry", {"run": conductor.run, "number": 1, "kind": LEDGER, "data": {}}, "stranger")
    wire.tell("load.entry", {"run": "another", "number": 1, "kind": LEDGER, "data": {"t": 1}}, "a")
    assert conductor.nodes["a"].journal.applied == 0


@pytest.mark.parametrize(
    ("wall", "align", "expected"),
    [
        (1000.0, None, 3.0),
        (1000.0, 60.0, 20.0),
        (1017.5, 60.0, 62.5),
        (1017.0, 60.0, 3.0),
        (1000.2, 10.0, 9.8),
    ],
)
def test_the_zero_can_be_a_multiple_of_the_wall_clock(
    tmp_path: Path, wall: float, align: float | None, expected: float
) -> None:
    conductor = Conductor(tmp_path, [], lambda *_: None, set, EVERY_100_MS, clock=lambda: 50.0)
    start = conductor.fix_start(3.0, align, lambda: wall)
    assert start == conductor.start_at == pytest.approx(50.0 + expected)
