"""The loading side of a run: a worker, or the loading half of a single process.

It answers the conductor's messages, over Locust's own wire:

| message from the conductor | what the performer does | answer |
|---|---|---|
| `load.clock` {sent} | tells its clock | `load.clock-told` {sent, now} |
| `load.prepare` {run, version, …job} | builds its engine | `load.prepared` {error: "" or one line} |
| `load.share` {start_at, now, deals: [{rank, of, from_t}]} | takes its share by each new deal | – |
| `load.stop` {drained, where the plan has it so} | ends all load now | – |
| `load.finish` {} | closes its engine | entry `final` |
| `load.ack` {number, deals, lost} | forgets what has arrived; leaves if given up, or a deal was missed | – |
| `load.late` {run} | says that it sits out the run under way | – |

Everything else it says is `load.entry` {number, kind, data}: see `users.cluster.outbox`,
`telemetry.recording.journal`.

A worker may send load for `LEASE` seconds after the last thing that the conductor is known to have heard, and
no longer: the conductor gives its share to others only after that, so nothing is sent twice, and workers
whose master died fall silent. A worker that leaves, for that or because it is told to end, says so with its
last entry. A single process has no lease.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from typing import Any, Final

import gevent

from telemetry.recording.journal import FINAL, FOREIGN, INSTANCES, LEDGER, SAMPLES, TEXTS
from telemetry.recording.recorder import Sink
from users.cluster.outbox import Outbox
from users.engine.engine import Engine, Outlets
from users.engine.job import Job
from users.engine.loop_watch import LoopWatch

LEASE: Final = 4.0  # seconds; a worker says something each second
RESEND_INTERVAL: Final = 2.0
POLL_INTERVAL: Final = 0.1
log = logging.getLogger("resilience")
Reply = Callable[[str, dict[str, Any]], None]


class RefusalError(Exception):
    """This process will not take part; the text is one clear line."""


class Performer:
    """Runs at most one job at a time; `build` makes the job of a `load.prepare`, or raises RefusalError."""

    def __init__(
        self,
        reply: Reply,
        build: Callable[[dict[str, Any]], tuple[Job, list[Sink]]],
        clock: Callable[[], float] = time.monotonic,
        begin: Callable[[], None] = lambda: None,
        lease: float = float("inf"),
        watch: Callable[[], LoopWatch] = LoopWatch,
    ) -> None:
        """`begin` is called when load is about to start; `lease` in seconds; `watch` watches the loop."""
        self.engine: Engine | None = None
        self.run = ""
        self._reply = reply
        self._build = build
        self._clock = clock
        self._begin = begin
        self._lease = lease
        self._watch = watch
        self._until = float("inf")  # monotonic s
        self._deals = 0  # that it has heard of
        self._outbox = Outbox(lambda entry: None)
        self._background: list[gevent.Greenlet] = []

    def handlers(self) -> dict[str, Callable[[dict[str, Any]], None]]:
        """What to do with each message."""
        return {
            "load.clock": self._on_clock,
            "load.prepare": self._on_prepare,
            "load.share": self._on_share,
            "load.stop": lambda data: self.stop(drained=data.get("drained", False)),
            "load.finish": lambda data: self._on_finish(),
            "load.ack": self._on_ack,
            "load.late": lambda data: log.warning(
                "came after run %s had begun: this worker sits it out and takes part in the next", data["run"]
            ),
        }

    def stop(self, *, drained: bool = False) -> None:
        """End all load at once; what was recorded stays. `drained`: as it was planned."""
        if self.engine is not None:
            self.engine.stop(drained=drained)
            self.engine.flush()

    def leave(self, reason: str) -> None:
        """End the load before the run is over, and say so to the conductor."""
        engine, self.engine = self.engine, None
        if engine is None:
            return
        if math.isnan(engine.start_at):
            engine.close()
            return
        log.warning("run %s: %s; this worker sends no more load", self.run, reason)
        self._outbox.put(FINAL, engine.leave(min(self._clock(), self._until)))

    def close(self) -> None:
        """Stop, and forget the job."""
        self._rest()
        if self.engine is not None:
            engine, self.engine = self.engine, None
            engine.close()

    def _on_clock(self, data: dict[str, Any]) -> None:
        self._reply("load.clock-told", {"sent": data["sent"], "now": self._clock()})

    def _on_prepare(self, data: dict[str, Any]) -> None:
        self.close()
        self.run = run = data["run"]
        self._until = float("inf")
        self._deals = 0
        self._outbox = outbox = Outbox(
            lambda entry: self._reply("load.entry", {"run": run, **entry}), self._clock
        )
        try:
            job, sinks = self._build(data)
            outlets = Outlets(
                samples=[lambda chunk: outbox.put(SAMPLES, chunk), *sinks],
                ledger=lambda line: outbox.put(LEDGER, line),
                instances=lambda names: outbox.put(INSTANCES, names),
                error_texts=lambda text: outbox.put(TEXTS, text),
                foreign=lambda line: outbox.put(FOREIGN, line),
            )
            self.engine = Engine(job, outlets, clock=self._clock, watch=self._watch)
        except (RefusalError, ValueError, OSError) as refusal:
            log.error("run %s: this worker refuses: %s", run, refusal)
            self._reply("load.prepared", {"run": run, "error": str(refusal) or repr(refusal)})
            return
        self._background = [gevent.spawn(self._resend_forever), gevent.spawn(self._watch_lease)]
        self._reply("load.prepared", {"run": run, "error": ""})

    def _on_share(self, data: dict[str, Any]) -> None:
        new = data["deals"][self._deals :]  # none in a repeat, or in one that was overtaken
        if self.engine is not None and new:
            self._begin()
            self._deals += len(new)
            if self._extend(data["now"]):
                for share in new:
                    self.engine.take_share(start_at=data["start_at"], **share)

    def _on_finish(self) -> None:
        if self._clock() >= self._until:  # a process that stood still may hear of it first
            self._lapse()
        engine, self.engine = self.engine, None
        if engine is not None and engine.to_part:  # that takes time
            gevent.spawn(self._part, engine, self._outbox)
        elif engine is not None:
            self._outbox.put(FINAL, engine.close())

    def _part(self, engine: Engine, outbox: Outbox) -> None:
        engine.part()
        outbox.put(FINAL, engine.close())

    def _on_ack(self, data: dict[str, Any]) -> None:
        if data["run"] == self.run:
            self._outbox.acknowledged(data["number"])
            if data["lost"] or data["deals"] != self._deals:
                self.leave("its share went to others")
            self._extend(self._outbox.heard)
            if self._outbox.done:
                self._rest()

    def _extend(self, heard: float) -> bool:
        """The conductor heard us, or spoke, at `heard` (monotonic s): so we may go on for a while.

        Not where the lease is over: the dispatcher has left what comes to others. Whether we go on.
        """
        if self._clock() >= self._until:
            self._lapse()
            return False
        until = heard + self._lease
        if self.engine is not None and (until > self._until or math.isinf(self._until)):
            self._until = until
            self.engine.extend(until)
        return True

    def _lapse(self) -> None:
        self.leave(f"nothing was heard of the master for {self._lease:g} s")

    def _rest(self) -> None:
        gevent.killall(self._background, block=False)
        self._background = []

    def _watch_lease(self) -> None:
        while self.engine is not None:
            gevent.sleep(POLL_INTERVAL)
            if self._clock() >= self._until:
                self._lapse()

    def _resend_forever(self) -> None:
        while True:
            gevent.sleep(RESEND_INTERVAL)
            self._outbox.resend()
