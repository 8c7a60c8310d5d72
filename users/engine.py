"""One loading process at work: its accounts, their personas, the dispatcher, the client, the ledger.

A process is given the whole schedule and its own share of it. `open` makes the accounts' sessions,
`start` begins to deal at one shared instant, `finished` says when the last answer is in, `stop` ends
all load at once. Samples and ledger lines flow to the sinks all the while, at most
`telemetry.recorder.FLUSH_EVERY` seconds old.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

import gevent
import numpy as np
from numpy.typing import NDArray

from shapes.schedule import Schedule
from telemetry.recorder import FLUSH_EVERY, Instances, Recorder, Sink
from telemetry.sample import REASON_CODE, Outcome
from users import mcp
from users.accounts import Account
from users.call import NAN, Call
from users.client import Client, Endpoint
from users.dispatcher import DROP_AFTER, Dispatcher
from users.ledger import LATE, Ledger
from users.line import AccountLine, Head, Token
from users.persona import Persona, Tool, make_persona

LEDGER_EVERY: Final = 1.0


@dataclass(frozen=True)
class GroupPlan:
    """How the accounts of one group behave."""

    persona: str
    tools: tuple[Tool, ...]
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Job:
    """What a loading process does; the same on every worker but for `rank`."""

    schedule: Schedule
    accounts: Sequence[Account]
    groups: Sequence[GroupPlan]
    endpoint: Endpoint
    head: Head
    token: Token
    timeout: float = 35.0
    late: float = LATE
    drop_after: float = DROP_AFTER
    rank: int = 0
    of: int = 1


@dataclass(frozen=True)
class Outlets:
    """Where a process's truth goes: samples (bytes), ledger lines (dicts), instance tables (names)."""

    samples: list[Sink]
    ledger: Callable[[dict[str, Any]], None]
    instances: Callable[[list[str]], None]


class Engine:
    """Runs one job."""

    def __init__(self, job: Job, outlets: Outlets, clock: Callable[[], float] = time.monotonic) -> None:
        self.ledger = Ledger(job.late)
        self.client = Client(
            job.endpoint, self._record, sent=self.ledger.out, timeout=job.timeout, clock=clock
        )
        self.dispatcher: Dispatcher | None = None
        self.start_at = NAN
        self._job = job
        self._outlets = outlets
        self._clock = clock
        self._recorder: Recorder | None = None
        self._instances = Instances(outlets.instances)
        self._background: list[gevent.Greenlet] = []
        ids = count(1)
        self._lines: dict[int, AccountLine] = {}
        self._personas: dict[int, Persona] = {}
        for account in job.accounts:
            if account.index % job.of == job.rank:
                line = AccountLine(account, self.client, job.head, job.token, ids, clock=clock)
                group = job.groups[account.group]
                self._lines[account.index] = line
                self._personas[account.index] = make_persona(
                    group.persona, line, group.tools, group.options
                )

    def open(self, start_at: float) -> None:
        """Fix the run's zero and open the accounts' sessions; extra calls, recorded before zero."""
        self.start_at = start_at
        self._recorder = Recorder(start_at, self._outlets.samples)
        for one in self._personas.values():
            one.open()

    def start(self, share: NDArray[np.int64]) -> None:
        """Deal `share` (global indices) from `start_at` on; returns at once."""
        job = self._job
        self.dispatcher = Dispatcher(
            job.schedule,
            share,
            self.start_at,
            self._deal,
            self._drop,
            clock=self._clock,
            drop_after=job.drop_after,
        )
        self._background = [
            gevent.spawn(self.dispatcher.run),
            gevent.spawn(self._flush_forever),
            gevent.spawn(self._ledger_forever),
        ]

    @property
    def finished(self) -> bool:
        """Every arrival was dealt, and every call is over."""
        return (
            self.dispatcher is not None
            and (self.dispatcher.stopped or not self.dispatcher.remaining)
            and not self.client.in_flight
        )

    def stop(self) -> None:
        """End all load now: deal nothing more, abort what is in flight. Safe to repeat."""
        for line in self._lines.values():
            line.stopped = True
        if self.dispatcher is not None:
            self.dispatcher.stop()
        self.client.abort_all()

    def close(self) -> dict[str, Any]:
        """Stop, write the rest, and give the final ledger line."""
        self.stop()
        gevent.killall(self._background)
        self._background = []
        self.flush()
        self.client.close()
        line = self.line()
        self._outlets.ledger(line)
        return line

    def line(self) -> dict[str, Any]:
        """The ledger as it stands."""
        now = self._clock()
        planned = self.dispatcher.due(now) if self.dispatcher else 0
        if self.dispatcher and self.dispatcher.stopped:
            planned = self.dispatcher.dealt
        return self.ledger.line(now - self.start_at, planned, self.client.in_flight)

    def flush(self) -> None:
        """Give what was recorded to the sinks."""
        if self._recorder is not None:
            self._recorder.flush()

    def _flush_forever(self) -> None:
        while True:
            gevent.sleep(FLUSH_EVERY)
            self.flush()

    def _ledger_forever(self) -> None:
        while True:
            gevent.sleep(LEDGER_EVERY)
            self._outlets.ledger(self.line())

    # Per arrival

    def _deal(self, index: int, planned: float, account: int, group: int, draw: int) -> None:
        self._personas[account].arrive(index, planned, draw)

    def _drop(self, index: int, planned: float, account: int, group: int, reason: str) -> None:
        call = Call(index, planned, account, group, 0)
        call.outcome = Outcome.DROPPED
        call.reason = REASON_CODE[reason]
        self._record(call)

    def _record(self, call: Call) -> None:
        if call.headers:
            self._observe(call)
        self.ledger.over(call)
        assert self._recorder is not None and call.outcome is not None
        self._recorder.record(call, call.outcome)

    def _observe(self, call: Call) -> None:
        headers = call.headers
        call.size = len(call.body)
        call.instance = self._instances.code(headers.get(b"x-instance-id"))
        call.upstream_s = mcp.upstream_seconds(headers)
        call.retry_after = mcp.retry_after(headers)
        call.reset = mcp.number(headers.get(b"x-ratelimit-reset"))
        call.limit = mcp.whole(headers.get(b"x-ratelimit-limit"))
        call.remaining = mcp.whole(headers.get(b"x-ratelimit-remaining"))
