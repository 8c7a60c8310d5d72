"""The leading side of a run: ranks the workers, fixes the start, hears everything, ends the run.

A single process is the case of one worker that is reached without a wire; there is one path for both.

    prepare every worker → measure its clock → deal: one start instant, rank r of n
    → until all are finished (or stop, or a worker is lost: the arrivals are dealt anew from `now + LEASE`)
    → finish: every journal is whole and acknowledged, or its worker is named as lost

Lost means: Locust heard no heartbeat, or the worker said that it leaves. What it sent and did not report
stays unknown. Once its lease is over (`users.cluster.performer`; it began when the worker was last heard),
or after the instant that it named when it left, it sends nothing. So of its share, what is planned from
there to the new deal, or to a stop, is dropped, for nobody sends it; that is written at the end, when all of
it is known. A new deal begins a whole lease after it was given: a live worker that has not heard of it is
silent by then, too. So no arrival is sent twice (the argument in full: docs/simulation.md).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import gevent

from shapes.schedule import Schedule
from telemetry.recording.journal import WorkerJournal
from telemetry.run_folder import end
from telemetry.run_folder.end import RunEnd, TelemetryCounts, WorkerEnd
from users.cluster.node import Node
from users.cluster.performer import LEASE
from users.cluster.shares import Shares

LEAD: Final = 3.0  # seconds to the run's zero: probes take their baseline and sessions open in it
PREPARE_TIMEOUT: Final = 60.0
FINISH_TIMEOUT: Final = 15.0
POLL_INTERVAL: Final = 0.05
REMIND_INTERVAL: Final = 2.0  # a worker says something each second
CLOCK_ROUNDS: Final = 5
LONGEST_ROUND_TRIP: Final = 1.0  # seconds: a clock is known to within half of it
EVERY_ONE_LOST: Final = "every worker was lost"

Send = Callable[[str, dict[str, Any], str], None]
"""(message, data, node)"""


class CannotStartError(Exception):
    """The run could not start; one clear line."""


class Conductor:
    """Leads one run; `nodes` are Locust's ids of the live workers, in the order of their rank."""

    def __init__(
        self,
        run_dir: Path,
        nodes: list[tuple[str, str]],
        send: Send,
        alive: Callable[[], set[str]],
        schedule: Schedule,
        *,
        clock: Callable[[], float] = time.monotonic,
        heard: Callable[[str, str, Any], None] = lambda node, kind, data: None,
    ) -> None:
        self.run = run_dir.name
        self.start_at = float("nan")
        self.stop_reason = ""
        self.stopped_at: float | None = None  # seconds since start, of a run that ended early
        self.deals = 0
        self.nodes = {
            identity: Node(identity, name, WorkerJournal(run_dir, name, partial(heard, name)))
            for identity, name in nodes
        }
        self._run_dir = run_dir
        self._send = send
        self._alive = alive
        self._shares = Shares(schedule)
        self._over = False
        self._unwritten: OSError | None = None
        self._clock = clock

    # Messages

    def handlers(self) -> dict[str, Callable[[dict[str, Any], str], None]]:
        """What to do with each message: (data, node id)."""
        return {
            "load.prepared": self._on_prepared,
            "load.clock-told": self._on_clock,
            "load.entry": self._on_entry,
        }

    def _on_prepared(self, data: dict[str, Any], node_id: str) -> None:
        node = self.nodes.get(node_id)
        if node is not None and data["run"] == self.run:
            node.error = data["error"]
            node.prepared.set()

    def _on_clock(self, data: dict[str, Any], node_id: str) -> None:
        node = self.nodes.get(node_id)
        now = self._clock()
        round_trip = now - data["sent"]
        if node is not None and round_trip < node.round_trip:  # the quickest answer is the truest
            node.round_trip = round_trip
            node.offset = data["now"] - (data["sent"] + now) / 2
            node.clock_told.set()

    def _on_entry(self, data: dict[str, Any], node_id: str) -> None:
        node = self.nodes.get(node_id)
        if node is None:
            return
        number, lost = data["number"], True
        if data["run"] == self.run and not self._over:  # otherwise there is no journal to put it into
            if not node.lost:
                node.heard = self._clock()
                node.answered = True
            try:
                number, lost = node.journal.take(number, data["kind"], data["data"]), node.lost
            except OSError as error:
                self.cannot_write(error)
                return
        ack = {"run": data["run"], "number": number, "deals": self.deals, "lost": lost}
        self._send("load.ack", ack, node_id)

    # The run

    def prepare(self, job: dict[str, Any]) -> None:
        """Have every worker build its engine; CannotStartError with what a worker said."""
        for node in self.nodes.values():
            self._send("load.prepare", {**job, "run": self.run}, node.id)
        for node in self.nodes.values():
            if not node.prepared.wait(PREPARE_TIMEOUT):
                raise CannotStartError(f"worker {node.name} did not get ready within {PREPARE_TIMEOUT:g} s")
            if node.error:
                raise CannotStartError(f"worker {node.name}: {node.error}")
        self._measure_clocks()

    def _measure_clocks(self) -> None:
        for _ in range(CLOCK_ROUNDS):
            for node in self.nodes.values():
                self._send("load.clock", {"sent": self._clock()}, node.id)
            gevent.sleep(0.02)
        for node in self.nodes.values():
            if not node.clock_told.wait(PREPARE_TIMEOUT):
                raise CannotStartError(f"worker {node.name} did not tell its clock in {PREPARE_TIMEOUT:g} s")
            if node.round_trip > LONGEST_ROUND_TRIP:
                took = f"told its clock after {node.round_trip:.1f} s, allowed: {LONGEST_ROUND_TRIP:g} s"
                raise CannotStartError(f"worker {node.name} {took}")

    def fix_start(
        self, lead: float = LEAD, align: float | None = None, wall: Callable[[], float] = time.time
    ) -> float:
        """Fix the run's zero, `lead` seconds from now or later; monotonic seconds of this process.

        With `align` it falls on the next multiple of so many seconds of the wall clock (`wall`, Unix s).
        """
        wait = 0.0 if align is None else -(wall() + lead) % align
        self.start_at = self._clock() + lead + wait
        return self.start_at

    def start(self) -> None:
        """Give every worker its share, unless the run was stopped meanwhile."""
        if not self.stop_reason:
            self._deal(float("-inf"))

    def _deal(self, from_t: float) -> None:
        live = [node for node in self.nodes.values() if not node.lost]
        self.deals += 1
        self._shares.deal([node.id for node in live], from_t)
        for rank, node in enumerate(live):
            node.deals.append({"rank": rank, "of": len(live), "from_t": from_t})
            self._tell_share(node)

    def _tell_share(self, node: Node) -> None:
        """By all deals: the wire may have lost an earlier one, which counts up to the next."""
        node.heard = node.told = now = self._clock()
        node.answered = False
        times = {"start_at": self.start_at + node.offset, "now": now + node.offset}
        self._send("load.share", {**times, "deals": [*node.deals]}, node.id)

    def _remind(self) -> None:
        """Tell its share again to who has said nothing since it was told: the wire may have lost it."""
        for node in self.nodes.values():
            if not (node.lost or node.answered) and self._clock() - node.told >= REMIND_INTERVAL:
                self._tell_share(node)

    def stop(self, reason: str) -> None:
        """End all load now; the first reason given is the one that is kept."""
        if self.stop_reason:
            return
        self.stop_reason = reason
        self.stopped_at = round(self._clock() - self.start_at, 6)
        self._abort()

    def cannot_write(self, error: OSError) -> None:
        """No load without its record, on a full disk or whatever it is: `wait` and `write_end` raise it."""
        self._unwritten = self._unwritten or error
        self.stop(f"the run's folder cannot be written: {error}")

    def _abort(self, **how: bool) -> None:
        for node in self.nodes.values():
            if not node.lost:
                self._send("load.stop", {**how}, node.id)

    def wait(self, drained: float = float("inf")) -> None:
        """Return when every live worker is finished, or the run was stopped, or none is left.

        Raises OSError where what workers told could not be written down.

        Calls still open at `drained` (seconds since the run's zero, after its last arrival) are aborted.
        """
        while not self.stop_reason and not self._all_done():
            self._remind()
            gevent.sleep(POLL_INTERVAL)
            if self._clock() - self.start_at >= drained:
                drained = float("inf")
                self._abort(drained=True)
        self._find_losses()  # Locust stops a run, too, when the last worker is gone
        self.stop_reason = self.stop_reason or end.COMPLETED
        self._raise_unwritten()

    def _raise_unwritten(self) -> None:
        if self._unwritten is not None:
            raise self._unwritten

    def _all_done(self) -> bool:
        self._find_losses()
        return all(node.finished or node.lost for node in self.nodes.values())

    def _find_losses(self) -> None:
        alive = self._alive()
        live = [node for node in self.nodes.values() if not node.lost]
        lost = [node for node in live if node.id not in alive or node.left is not None]
        if lost:
            for node in lost:
                node.lost = True
            self._share_out(lost, none_left=len(lost) == len(live))

    def _share_out(self, lost: list[Node], *, none_left: bool) -> None:
        """Give the share of lost workers to the rest, if load goes on."""
        if none_left:
            self.stop(EVERY_ONE_LOST)
        switch = self._clock() - self.start_at + LEASE
        until = switch if self.stopped_at is None else self.stopped_at
        for node in lost:
            node.taken_over = until
        if self.stopped_at is None:
            self._deal(until)

    def _write_unsent(self) -> None:
        """Record as dropped what a worker was given and nobody sent.

        Only at the end is all known: when a worker left that came back to say so, whether the run was
        stopped before the others took over, and who never heard of its share.
        """
        for node in self.nodes.values():
            since, until = self._unsent(node)
            try:
                node.journal.add_samples(self._shares.unsent(node.id, since, until))
            except OSError as error:
                self.cannot_write(error)

    def _unsent(self, node: Node) -> tuple[float, float]:
        """From when to when (s since start) nobody sent what was planned for this worker."""
        stopped_at = float("inf") if self.stopped_at is None else self.stopped_at
        if node.taken_over is not None:
            return self._free_from(node), min(node.taken_over, stopped_at)
        if node.journal.final and node.taken < len(node.deals):  # the stop came before the share
            return node.deals[node.taken]["from_t"], stopped_at
        return stopped_at, stopped_at

    def _free_from(self, node: Node) -> float:
        """From when on (s since start) a lost worker surely sends nothing that is planned."""
        return node.heard + LEASE - self.start_at if node.left is None else node.left

    def finish(self) -> None:
        """Gather the rest of every worker's truth. What comes later is not heard."""
        for node in self.nodes.values():
            if not node.lost:
                self._send("load.finish", {}, node.id)
        with gevent.Timeout(FINISH_TIMEOUT, False):
            while not all(node.journal.final or node.lost for node in self.nodes.values()):
                if self._unwritten is not None:
                    break
                gevent.sleep(POLL_INTERVAL)
        self._over = True
        for node in self.nodes.values():  # one may have left unheard until now
            if node.left is not None and not node.lost:
                node.lost, node.taken_over = True, float("inf")
        self._write_unsent()
        for node in self.nodes.values():
            node.lost = node.lost or not node.journal.final
            node.journal.close()

    def write_end(self, telemetry: dict[str, int]) -> None:
        """Write `end.json`: from here on the run folder is whole. OSError if it is not."""
        self._raise_unwritten()
        workers = tuple(
            WorkerEnd(
                name=node.name,
                lost=node.lost,
                clock_offset_s=round(node.offset, 6),
                clock_error_s=round(node.round_trip / 2, 6),
            )
            for node in self.nodes.values()
        )
        told = RunEnd(
            t_end=round(self._clock() - self.start_at, 6),
            stop_reason=self.stop_reason,
            stopped_at=self.stopped_at,
            workers=workers,
            plans=self.deals,
            telemetry=TelemetryCounts(**telemetry),
        )
        end.write(self._run_dir, told)
