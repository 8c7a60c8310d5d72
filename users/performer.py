"""The loading side of a run: a worker, or the loading half of a single process.

It answers the conductor's messages, over Locust's own wire:

| message from the conductor | what the performer does | answer |
|---|---|---|
| `load.clock` {sent} | tells its clock | `load.clock-told` {sent, now} |
| `load.prepare` {run, version, …job} | builds its engine | `load.prepared` {error: "" or one line} |
| `load.plan` {plan, rank, of, start_at, from_t} | (re)plans its share, from `from_t` on | – |
| `load.stop` {} | ends all load now | – |
| `load.finish` {} | closes its engine | entry `final` |
| `load.ack` {number} | forgets what has arrived | – |

Everything else it says is `load.entry` {number, kind, data}: see `users.outbox`, `telemetry.journal`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import gevent

from telemetry.journal import FINAL, INSTANCES, LEDGER, SAMPLES, TEXTS
from telemetry.recorder import Sink
from users.engine import Engine, Job, Outlets
from users.outbox import Outbox

RESEND_EVERY: Final = 2.0
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
    ) -> None:
        """`begin` is called when load is about to start."""
        self.engine: Engine | None = None
        self.run = ""
        self._reply = reply
        self._build = build
        self._clock = clock
        self._begin = begin
        self._outbox = Outbox(lambda entry: None)
        self._resender: gevent.Greenlet | None = None

    def handlers(self) -> dict[str, Callable[[dict[str, Any]], None]]:
        """What to do with each message."""
        return {
            "load.clock": self._on_clock,
            "load.prepare": self._on_prepare,
            "load.plan": self._on_plan,
            "load.stop": lambda data: self.stop(),
            "load.finish": lambda data: self._on_finish(),
            "load.ack": self._on_ack,
        }

    def stop(self) -> None:
        """End all load at once; what was recorded stays."""
        if self.engine is not None:
            self.engine.stop()
            self.engine.flush()

    def close(self) -> None:
        """Stop, and forget the job."""
        if self._resender is not None:
            self._resender.kill()
            self._resender = None
        if self.engine is not None:
            engine, self.engine = self.engine, None
            engine.close()

    def _on_clock(self, data: dict[str, Any]) -> None:
        self._reply("load.clock-told", {"sent": data["sent"], "now": self._clock()})

    def _on_prepare(self, data: dict[str, Any]) -> None:
        self.close()
        self.run = run = data["run"]
        self._outbox = outbox = Outbox(lambda entry: self._reply("load.entry", {"run": run, **entry}))
        try:
            job, sinks = self._build(data)
            outlets = Outlets(
                samples=[lambda chunk: outbox.put(SAMPLES, chunk), *sinks],
                ledger=lambda line: outbox.put(LEDGER, line),
                instances=lambda names: outbox.put(INSTANCES, names),
                texts=lambda text: outbox.put(TEXTS, text),
            )
            self.engine = Engine(job, outlets, clock=self._clock)
        except (RefusalError, ValueError, OSError) as refusal:
            self._reply("load.prepared", {"run": run, "error": str(refusal) or repr(refusal)})
            return
        self._resender = gevent.spawn(self._resend_forever)
        self._reply("load.prepared", {"run": run, "error": ""})

    def _on_plan(self, data: dict[str, Any]) -> None:
        if self.engine is not None:
            self._begin()
            self.engine.plan(data["rank"], data["of"], data["start_at"], data["from_t"])

    def _on_finish(self) -> None:
        if self.engine is not None:
            engine, self.engine = self.engine, None
            line = engine.close()
            self._outbox.put(FINAL, line)

    def _on_ack(self, data: dict[str, Any]) -> None:
        if data["run"] == self.run:
            self._outbox.acknowledged(data["number"])
            if self.engine is None and self._outbox.empty and self._resender is not None:
                self._resender.kill(block=False)
                self._resender = None

    def _resend_forever(self) -> None:
        while True:
            gevent.sleep(RESEND_EVERY)
            self._outbox.resend()
