"""One loading process at work: its accounts, their personas, the dispatcher, the client, the ledger.

A process is given the whole schedule. `take_share` names its share, opens its accounts' sessions and begins
to deal at one shared instant; `finished` says when the last answer is in; `stop` ends all load at once.
Samples and ledger lines flow to the sinks all the while, at most `FLUSH_EVERY` seconds old.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

import gevent

from telemetry.recording.recorder import FLUSH_EVERY, Instances, Recorder, Sink
from telemetry.recording.sample import REASON_CODE, Outcome
from telemetry.recording.trace_ids import TraceIds
from users.accounts.account_client import PooledAccountClient
from users.accounts.accounts import Account
from users.accounts.intent_key import IntentKeys
from users.engine.address_shares import AddressShares
from users.engine.dispatcher import Dispatcher
from users.engine.error_texts import ErrorTexts
from users.engine.foreign_answers import ForeignAnswers
from users.engine.job import Job
from users.engine.late_counts import LateCounts
from users.engine.ledger import Ledger
from users.engine.loop_watch import LoopWatch
from users.engine.pace import Pace, pace_shares
from users.mcp import answers
from users.mcp.headers import INSTANCE, read_headers
from users.mcp.isolation import Foreign, Isolation
from users.mcp.nonce import UNKNOWN, Nonces
from users.mcp.session import McpSession, SessionCounts
from users.mcp.target_clock import TargetClock
from users.personas.persona import Persona, maker, opener
from users.transport.answer_rules import AnswerRules
from users.transport.call import NAN, Call
from users.transport.client import Client

LEDGER_INTERVAL: Final = 1.0
POLL_INTERVAL: Final = 0.05
OPENING_RATE: Final = 200.0  # sessions a second that a process opens before load
PART_WITHIN: Final = 10.0  # seconds for closing them
STOPPED_WITHIN: Final = 1.5
_FAILED: Final = Outcome.FAILED  # a look into an enumeration takes longer than one at a name here


@dataclass(frozen=True)
class Outlets:
    """Where a process's truth goes: samples (bytes), ledger lines (dicts), instance tables (names).

    `error_texts`: what failed calls were told, the first of each kind (`users.engine.error_texts`);
    `foreign`: answers that were another call's (`users.engine.foreign_answers`).
    """

    samples: list[Sink]
    ledger: Callable[[dict[str, Any]], None]
    instances: Callable[[list[str]], None]
    error_texts: Callable[[dict[str, Any]], None] = lambda text: None
    foreign: Callable[[dict[str, Any]], None] = lambda line: None


class Engine:
    """Runs one job."""

    def __init__(
        self,
        job: Job,
        outlets: Outlets,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = gevent.sleep,
        loop: Any = None,
        watch: Callable[[], LoopWatch] = LoopWatch,
    ) -> None:
        self.ledger = Ledger(job.late)
        self._nonces, self._intents = Nonces(job.run), IntentKeys(job.intents)
        self._traces = TraceIds(job.trace)
        self._foreign = ForeignAnswers(outlets.foreign)
        self._late = LateCounts(self._nonces, self._found_unasked) if job.late_answers else None
        self._pace = Pace(job.max_duration, clock=clock, sleep=sleep) if job.max_rps is not None else None
        sent = self.ledger.out if self._pace is None else self._paced_out
        self.client = Client(
            job.endpoint,
            self._record,
            elsewhere=job.elsewhere,
            source_of=lambda account: job.accounts[account].ip if job.from_sources else "",
            rules=self._rules(job),
            sent=sent,
            timeout=job.timeout,
            max_connections=job.max_connections,
            shared=job.shared_connections,
            late=self._late,
            max_body=job.max_body,
            clock=clock,
            loop=loop,
        )
        self.start_at = NAN
        self._job = job
        self._outlets = outlets
        self._clock = clock
        self._sleep = sleep
        self._recorder: Recorder | None = None
        self._instances = Instances(outlets.instances)
        self._error_texts = ErrorTexts(outlets.error_texts)
        self._dispatchers: list[Dispatcher] = []
        self._until = float("inf")
        self._cut_short = False  # load was stopped before its end
        self._background: list[gevent.Greenlet] = []
        self._loop_watch = watch()
        self._target_clock = TargetClock()
        self._ids = count(1)
        self.sessions = SessionCounts()
        self._shares = AddressShares((job.endpoint, *job.elsewhere))
        self._opened = 0  # sessions that were asked for before load
        self._clients: dict[int, PooledAccountClient] = {}
        self._personas: dict[int, Persona] = {}
        # An unknown option is said now, not at the first arrival.
        self._makers = [maker(group.persona, group.operations, group.options) for group in job.groups]

    def _rules(self, job: Job) -> AnswerRules:
        """How answers are read; held against their calls where the run has something to hold them against."""
        rules = answers.rules(job.headers.encodings, job.refusals, job.max_body)
        if not job.checked:
            return rules
        accounts = ((one.index, one.id) for one in job.accounts)
        return rules._replace(judge=Isolation(rules.judge, self._nonces, accounts, self._found_foreign))

    def _found_foreign(self, call: Call, foreign: Foreign) -> None:
        self._foreign.tell(call, foreign, self.start_at)

    def _found_unasked(self, call: Call, foreign: Foreign) -> None:
        """On a connection, not of a call: the account is known where it is not everybody's."""
        call.done = self._clock()
        if self._job.shared_connections:
            call.account = UNKNOWN
        self._foreign.tell(call, foreign, self.start_at)

    def take_share(self, rank: int, of: int, start_at: float, from_t: float) -> None:
        """Take the accounts a with a mod `of` = `rank`, for arrivals planned at `from_t` or later.

        The first share fixes the run's zero, `start_at` (monotonic s), and opens the accounts' sessions
        (extra calls, recorded before zero). A later one, after a worker was lost, ends the share before it
        at `from_t`.
        """
        if self._recorder is None:
            self.start_at = start_at
            self._recorder = Recorder(start_at, self._outlets.samples)
            self._background = [gevent.spawn(self._flush_forever), gevent.spawn(self._ledger_forever)]
            self._background.append(self._loop_watch.start())
            if self._pace is not None:
                self._background.append(gevent.spawn(self._pace.run))
        for dispatcher in self._dispatchers:
            dispatcher.end_at(from_t)
        schedule = self._job.schedule
        share = schedule.share(rank, of, from_t)
        self._set_pace(rank, of, from_t)
        for account in self._job.accounts:
            if account.index % of == rank and account.index not in self._personas:
                self._settle(account)
        dispatcher = Dispatcher(
            schedule,
            share,
            self.start_at,
            self._deal,
            self._drop,
            clock=self._clock,
            sleep=self._sleep,
            drop_after=self._job.drop_after,
            room=self._pace.wait if self._pace is not None else None,
        )
        dispatcher.until = self._until
        self._dispatchers.append(dispatcher)
        self._background.append(gevent.spawn(dispatcher.run))

    def _set_pace(self, rank: int, of: int, from_t: float) -> None:
        """This process's part of `max_rps`; all workers come to the same parts."""
        if self._pace is not None and self._job.max_rps is not None:
            shares = [self._job.schedule.share(one, of, from_t) for one in range(of)]
            self._pace.share = pace_shares(self._job.schedule, shares, self._job.max_rps)[rank]
            self._pace.start = self.start_at

    def _settle(self, account: Account) -> None:
        """Make an account's persona when the account first becomes ours, and open its session."""
        job, group = self._job, self._job.groups[account.group]
        ids = count(1) if job.ids_by_account else self._ids
        client = PooledAccountClient(
            account, self.client, job.headers, job.token, ids, forge=job.forge, clock=self._clock,
            turn=self._pace.turn if self._pace is not None else None, dialect=group.dialect,
            counts=self.sessions, reopen_within=group.reopen_within, nonces=self._nonces,
            intents=self._intents, traces=self._traces,
        )  # fmt: skip
        made = self._makers[account.group](client)
        self._clients[account.index] = client
        self._personas[account.index] = made
        if client.session is not None:
            self._open_soon(client, client.session)
        if (opens := opener(made)) is not None:
            opens.open()

    def _open_soon(self, client: PooledAccountClient, session: McpSession) -> None:
        """One after the other, not all at one instant; within `max_rps`, where there is one."""
        session.expect()
        after = self._opened / OPENING_RATE if self._pace is None else 0.0
        self._opened += 1
        if after:
            client.later(after, client.open_session)
        else:
            client.open_session()

    @property
    def finished(self) -> bool:
        """Every arrival was dealt, and every call is over."""
        if self.client.in_flight or not self._dispatchers:
            return False
        return all(one.stopped or not one.remaining for one in self._dispatchers)

    def extend(self, until: float) -> None:
        """Arrivals may be dealt up to `until` (monotonic s), none after it."""
        self._until = until
        for dispatcher in self._dispatchers:
            dispatcher.until = until

    def leave(self, at: float) -> dict[str, Any]:
        """Close before the run is over: what is planned after `at` (monotonic s) is for others to send.

        The final ledger line speaks of the time until then and says so: `left`, seconds since start.
        """
        for dispatcher in self._dispatchers:
            dispatcher.until = min(dispatcher.until, at)
            dispatcher.lapse()
        left = min(at, self._until) - self.start_at
        return {**self.close(), "t": left, "left": left}

    def stop(self, *, drained: bool = False) -> None:
        """End all load now: deal nothing more, abort what is in flight. Safe to repeat.

        `drained`: the time for what was still open is over, and nobody waits for an end.
        """
        self._cut_short = self._cut_short or not (drained or self.finished)
        for client in self._clients.values():
            client.stopped = True
        if self._pace is not None:
            self._pace.stop()
        for dispatcher in self._dispatchers:
            dispatcher.stop()
        self.client.abort_all()

    def part(self) -> None:
        """Have the server close the sessions that are open, and wait for late answers.

        Returns when all that is done, or when time is up.

        Load is over by then. After a stop there is little time: all must be quiet within 2 s of it.
        """
        until = self._clock() + (STOPPED_WITHIN if self._cut_short else PART_WITHIN)
        for client in self._clients.values():
            while self._pace is not None and (wait := self._pace.wait()) > 0 and self._clock() < until:
                self._sleep(wait)
            if self._clock() >= until:
                break
            client.close_session()
        while (self.client.in_flight or self.client.late_due) and self._clock() < until:
            self._sleep(POLL_INTERVAL)

    @property
    def to_part(self) -> bool:
        """There is a session that is open, or a late answer to come."""
        return bool(self.client.late_due) or any(
            one.session is not None and one.session.id for one in self._clients.values()
        )

    def close(self) -> dict[str, Any]:
        """Stop, write the rest, and give the final ledger line."""
        self.stop()
        self._loop_watch.stop()
        gevent.killall(self._background)
        self._background = []
        self.flush()
        self.client.close()
        return self.line()

    def line(self) -> dict[str, Any]:
        """The ledger as it stands."""
        now = self._clock()
        planned = sum(one.dealt if one.stopped else one.due(now) for one in self._dispatchers)
        line = self.ledger.line(now - self.start_at, planned, self.client.in_flight)
        return {**line, **self._standing()}

    def _standing(self) -> dict[str, Any]:
        return {
            "peak_in_flight": self.client.peak_in_flight,
            "finished": self.finished,
            "plans": len(self._dispatchers),  # shares taken so far
            **self._loop_watch.line(),
            "sessions": self.sessions.line(),
            "addresses": self._shares.line(),
            **self._target_clock.line(),
            **({} if self._late is None else {"late_answers": self._late.line()}),
        }

    def flush(self) -> None:
        """Give what was recorded to the sinks."""
        if self._recorder is not None:
            self._recorder.flush()
            self._error_texts.flush()

    def _flush_forever(self) -> None:
        while True:
            self._sleep(FLUSH_EVERY)
            self.flush()

    def _ledger_forever(self) -> None:
        while True:
            due, finished = self._clock() + LEDGER_INTERVAL, self.finished
            while self.finished == finished and self._clock() < due:
                self._sleep(POLL_INTERVAL)
            self.flush()
            self._outlets.ledger(self.line())

    # Per arrival

    def _paced_out(self, call: Call) -> None:
        assert self._pace is not None
        self._pace.sent(call.sent, call.index < 0)
        self.ledger.out(call)

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
            if call.outcome is _FAILED:
                self._error_texts.see(call, call.done - self.start_at)
                self._clients[call.account].failed(call)
        self.ledger.over(call)
        if self._shares.several:
            self._shares.over(call)
        assert self._recorder is not None
        assert call.outcome is not None
        self._recorder.record(call, call.outcome)

    def _observe(self, call: Call) -> None:
        call.size = call.stream.size if call.stream is not None else len(call.body)
        call.instance = self._instances.code(call.headers.get(INSTANCE))
        read_headers(call)
        self._target_clock.hear(call, self.start_at)
