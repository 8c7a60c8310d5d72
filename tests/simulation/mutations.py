"""Faults made on purpose in the product's own code: each must be found by the simulator.

A mutation is a class or a module, the name in it, and what takes its place, given what was there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from common.files.append_only import AppendOnly
from telemetry.delivery import sender
from telemetry.delivery.sink import WriteResult
from telemetry.delivery.spool import Spool
from telemetry.recording.journal import WorkerJournal
from users.cluster import conductor
from users.cluster.conductor import Conductor
from users.cluster.outbox import Outbox
from users.cluster.performer import Performer
from users.engine.dispatcher import Dispatcher
from users.engine.engine import Engine


class Mutation(NamedTuple):
    """`make(before)` is what stands at `place.name` instead."""

    place: Any
    name: str
    make: Callable[[Any], Any]


@contextmanager
def mutated(mutation: Mutation) -> Iterator[None]:
    """With it in the product's code."""
    before = mutation.place.__dict__[mutation.name]
    setattr(mutation.place, mutation.name, mutation.make(before))
    try:
        yield
    finally:
        setattr(mutation.place, mutation.name, before)


def _nothing(before: Any) -> Any:
    return lambda *_, **__: None


def _acknowledged_unwritten(take: Any) -> Any:
    def mutant(self: Any, number: int, kind: str, data: Any) -> int:
        try:
            found: int = take(self, number, kind, data)
        except OSError:
            self.applied = found = number
        return found

    return mutant


def _repeats_applied(take: Any) -> Any:
    def mutant(self: Any, number: int, kind: str, data: Any) -> int:
        self.applied = min(self.applied, number - 1) if number <= self.applied else self.applied
        found: int = take(self, number, kind, data)
        return found

    return mutant


def _gaps_skipped(take: Any) -> Any:
    def mutant(self: Any, number: int, kind: str, data: Any) -> int:
        self.applied = max(self.applied, number - 1)
        found: int = take(self, number, kind, data)
        return found

    return mutant


def _resent_anew(resend: Any) -> Any:
    def mutant(self: Any) -> None:
        waiting = list(self._waiting)
        self._waiting.clear()
        for _, entry in waiting:
            self.put(entry["kind"], entry["data"])

    return mutant


def _share_taken_again(on_share: Any) -> Any:
    def mutant(self: Any, data: Any) -> None:
        self._deals = 0
        on_share(self, data)

    return mutant


def _newest_deal_alone(on_share: Any) -> Any:
    def mutant(self: Any, data: Any) -> None:
        self._deals = max(self._deals, len(data["deals"]) - 1)
        on_share(self, data)

    return mutant


def _rests_before_its_last_word(on_ack: Any) -> Any:
    def mutant(self: Any, data: Any) -> None:
        on_ack(self, data)
        if self.engine is None and not self._outbox._waiting:
            self._rest()

    return mutant


def _unheard_share_forgotten(unsent: Any) -> Any:
    def mutant(self: Any, node: Any) -> Any:
        return (0.0, 0.0) if node.taken_over is None else unsent(self, node)

    return mutant


def _lapsed_renewed(extend: Any) -> Any:
    def mutant(self: Any, heard: float) -> bool:
        if self._clock() >= self._until:
            self._until = float("inf")
        found: bool = extend(self, heard)
        return found

    return mutant


def _stop_not_minded(write_unsent: Any) -> Any:
    def mutant(self: Any) -> None:
        stopped_at, self.stopped_at = self.stopped_at, None
        write_unsent(self)
        self.stopped_at = stopped_at

    return mutant


def _torn(add: Any) -> Any:
    def mutant(self: Any, records: bytes) -> None:
        taken = self._file.write(records)
        if taken < len(records):
            self._file.write(records[taken:])
        self._size += len(records)

    return mutant


def _not_told_that_it_left(leave: Any) -> Any:
    def mutant(self: Any, at: float) -> Any:
        line = leave(self, at)
        del line["left"]
        return line

    return mutant


def _anybody(on_entry: Any) -> Any:
    def mutant(self: Any, data: Any, node_id: str) -> None:
        on_entry(self, data, node_id if node_id in self.nodes else next(iter(self.nodes)))

    return mutant


def _any_run(on_entry: Any) -> Any:
    return lambda self, data, node_id: on_entry(self, {**data, "run": self.run}, node_id)


def _sent_before_taken(deliver: Any) -> Any:
    def mutant(writer: Any, spool: Any, timeout: float | None = None) -> Any:
        segments = spool.head()
        found = deliver(writer, spool, timeout)
        if segments and spool.head() and spool.head()[0] is segments[0]:
            spool.acknowledge(segments)
        return found

    return mutant


def _second_half_lost(send: Any) -> Any:
    def mutant(writer: Any, lines: Sequence[str], apart: Any, timeout: float | None) -> Any:
        whole = writer.write(lines, timeout)
        if whole.answer in {WriteResult.TAKEN, WriteResult.LATER}:
            return whole
        return send(writer, list(lines[: max(1, len(lines) // 2)]), apart, timeout)

    return mutant


def _uncounted(refuse: Any) -> Any:
    def mutant(self: Any, line: str) -> None:
        refuse(self, line)
        self.dropped -= 1

    return mutant


MUTATIONS: Final[dict[str, Mutation]] = {
    "the lease is two seconds too long": Mutation(
        Performer, "_extend", lambda before: lambda self, heard: before(self, heard + 2.0)
    ),
    "a lease that is over is renewed": Mutation(Performer, "_extend", _lapsed_renewed),
    "an arrival on the lease's last instant is sent": Mutation(
        Engine, "extend", lambda before: lambda self, until: before(self, until + 1e-6)
    ),
    "what comes after a stop is recorded as dropped": Mutation(Conductor, "_write_unsent", _stop_not_minded),
    "the dispatcher hears nothing of the lease": Mutation(Engine, "extend", _nothing),
    "an entry is acknowledged that could not be written": Mutation(
        WorkerJournal, "take", _acknowledged_unwritten
    ),
    "an entry that is repeated is applied again": Mutation(WorkerJournal, "take", _repeats_applied),
    "an entry that is overtaken is passed over": Mutation(WorkerJournal, "take", _gaps_skipped),
    "what is sent again gets a new number": Mutation(Outbox, "resend", _resent_anew),
    "nothing is sent again": Mutation(Outbox, "resend", _nothing),
    "an acknowledgement counts for one entry more": Mutation(
        Outbox, "acknowledged", lambda before: lambda self, number: before(self, number + 1)
    ),
    "a share is taken as often as it comes": Mutation(Performer, "_on_share", _share_taken_again),
    "a deal that was missed is not told with the next": Mutation(Performer, "_on_share", _newest_deal_alone),
    "a share that was never heard of is nobody's": Mutation(Conductor, "_unsent", _unheard_share_forgotten),
    "nothing is sent again once a worker leaves": Mutation(Performer, "_on_ack", _rests_before_its_last_word),
    "a share is told once": Mutation(Conductor, "_remind", _nothing),
    "the new deal begins at once": Mutation(conductor, "LEASE", lambda before: 0.0),
    "an old share does not end where the new one begins": Mutation(Dispatcher, "end_at", _nothing),
    "a lost worker is taken to be silent too early": Mutation(
        Conductor, "_free_from", lambda before: lambda self, node: node.heard - self.start_at
    ),
    "who leaves does not say when": Mutation(Engine, "leave", _not_told_that_it_left),
    "nobody looks for losses": Mutation(Conductor, "_find_losses", _nothing),
    "a stop stops nothing": Mutation(Engine, "stop", _nothing),
    "records are torn on a full disk": Mutation(AppendOnly, "add", _torn),
    "a stranger is believed": Mutation(Conductor, "_on_entry", _anybody),
    "an entry of another run is taken": Mutation(Conductor, "_on_entry", _any_run),
    "points are forgotten before they are taken": Mutation(sender, "deliver", _sent_before_taken),
    "half of a batch that is too large is lost": Mutation(sender, "_send", _second_half_lost),
    "a point that is refused is not counted": Mutation(Spool, "refuse", _uncounted),
}
