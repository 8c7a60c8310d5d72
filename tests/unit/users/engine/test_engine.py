"""The engine on virtual time, its target at the other end of socket pairs: the ledger balances, always."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email.utils import formatdate
from typing import Any

import numpy as np
import pytest

from shapes.schedule import Schedule
from targets.limits import Refusal
from telemetry.recording.sample import REASONS, SAMPLE, Outcome
from tests.support.manual_loop import ManualLoop, PairedEndpoint
from tests.support.virtual_time import VirtualTime
from users.accounts.accounts import Account
from users.engine.dispatcher import DROP_AFTER
from users.engine.engine import Engine, Outlets
from users.engine.job import GroupBehaviour, Job
from users.mcp.dialect import PLAIN
from users.mcp.expectation import OWN_NONCE
from users.mcp.headers import RequestHeaders
from users.mcp.operations import LIST_TOOLS, Operation

START = 1003.0
RATE = 10  # arrivals a second, of four accounts in turn
COUNT = 100
ACCOUNTS = 4
_ID = re.compile(rb'"id":(\d+)')


def schedule() -> Schedule:
    index = np.arange(COUNT)
    return Schedule(
        index / RATE + 0.05,  # no arrival falls on the instant of a check
        (index % ACCOUNTS).astype(np.uint32),
        np.zeros(COUNT, np.uint8),
        np.zeros(COUNT, np.uint32),
    )


class Rig:
    """`answering`: whether the target answers, at once; `status`: how, with which headers."""

    def __init__(
        self,
        persona: str = "caller",
        status: bytes = b"200 OK",
        behaviour: GroupBehaviour | None = None,
        **job: Any,
    ) -> None:
        self.answering = True
        self.status = status
        self.endpoint, self.loop = PairedEndpoint(address=("198.51.100.7", 80)), ManualLoop()
        self.time = VirtualTime(START - 3.0, self._pump)
        self.chunks: list[bytes] = []
        self.lines: list[dict[str, Any]] = []
        self.foreign: list[dict[str, Any]] = []
        self.requests: list[bytes] = []
        self.result: Callable[[bytes], bytes] = lambda request: b"{}"
        accounts = [Account(n, f"a{n}", f"198.51.100.{n}", "pro", 0) for n in range(ACCOUNTS)]
        self.engine = Engine(
            Job(
                schedule=schedule(),
                accounts=accounts,
                groups=[behaviour or GroupBehaviour(persona, (LIST_TOOLS,))],
                endpoint=self.endpoint,
                headers=RequestHeaders("/", "t", {}),
                token=lambda account: b"",
                timeout=5.0,
                **job,
            ),
            Outlets([self.chunks.append], self.lines.append, lambda names: None, foreign=self.foreign.append),
            clock=self.time,
            sleep=self.time.sleep,
            loop=self.loop,
        )

    def _pump(self) -> None:
        self.loop.tick()
        self.loop.run()
        for peer in self.endpoint.peers if self.answering else []:
            with suppress(OSError):
                for request in peer.recv(1 << 16).split(b"POST ")[1:]:
                    found = _ID.search(request)
                    self.requests.append(request)
                    result = self.result(request)
                    body = b'{"jsonrpc":"2.0","id":%b,"result":%b}' % (found[1], result) if found else b""
                    peer.send(b"HTTP/1.1 %b\r\nContent-Length: %d\r\n\r\n%b" % (self.status, len(body), body))
        self.loop.run()

    def to(self, t: float) -> None:
        """Go on to `t` seconds since start."""
        self.time.advance(START + t)

    def pause(self, seconds: float) -> None:
        """The process does not run for a while."""
        self.time.now += seconds

    def samples(self) -> Any:
        self.engine.flush()
        return np.frombuffer(b"".join(self.chunks), SAMPLE)

    def balanced(self) -> dict[str, Any]:
        """The ledger now; it must add up, and say what the samples say."""
        line = self.engine.line()
        planned = self.samples()
        planned = planned[planned["index"] >= 0]
        assert line["sent"] == line["done"] + line["in_flight"]
        assert line["done"] == line["ok"] + line["failed"] + line["aborted"]
        assert len(planned) == line["done"] + line["dropped"]
        assert len(set(planned["index"].tolist())) == len(planned)
        assert (planned["outcome"] == Outcome.OK).sum() == line["ok"]
        return line


@pytest.fixture
def rig() -> Iterator[Rig]:
    made = Rig()
    made.engine.take_share(0, 1, START, float("-inf"))
    yield made
    made.engine.close()
    made.endpoint.close()


def test_every_arrival_is_dealt_at_its_instant_and_answered(rig: Rig) -> None:
    rig.to(20.0)
    line = rig.balanced()
    assert (line["planned"], line["sent"], line["ok"], line["dropped"], line["late"]) == (
        COUNT,
        COUNT,
        COUNT,
        0,
        0,
    )
    samples = rig.samples()
    assert np.allclose(samples["sent"], samples["planned"])
    assert rig.engine.finished
    assert rig.lines[-1]["finished"]


def test_nothing_is_dealt_before_the_start(rig: Rig) -> None:
    rig.to(0.0)
    assert rig.balanced()["sent"] == 0
    assert not rig.engine.finished


def test_after_a_short_pause_arrivals_are_late(rig: Rig) -> None:
    rig.to(2.0)
    rig.pause(0.48)
    rig.to(20.0)
    line = rig.balanced()
    assert (line["sent"], line["dropped"]) == (COUNT, 0)
    assert line["late"] == 4  # the fifth by 30 ms, which is not late


def test_after_a_long_pause_they_are_dropped(rig: Rig) -> None:
    rig.to(2.0)
    rig.pause(DROP_AFTER + 1.0)
    rig.to(20.0)
    line = rig.balanced()
    assert line["sent"] + line["dropped"] == line["planned"] == COUNT
    assert line["dropped"] == 10
    dropped = rig.samples()
    dropped = dropped[dropped["outcome"] == Outcome.DROPPED]
    assert {REASONS[code] for code in dropped["reason"]} == {"too_late"}


def test_a_stop_in_mid_run_ends_everything_at_once(rig: Rig) -> None:
    rig.to(3.0)
    rig.answering = False
    rig.to(4.0)
    rig.pause(0.4)
    rig.engine.stop()
    line = rig.balanced()
    assert (line["planned"], line["sent"], line["dropped"]) == (43, 40, 3)  # the last came due with the stop
    assert (line["ok"], line["aborted"], line["in_flight"]) == (30, 10, 0)
    assert rig.engine.finished
    rig.engine.stop()
    rig.to(20.0)
    assert rig.balanced()["planned"] == 43


def test_it_is_finished_when_the_last_answer_is_in(rig: Rig) -> None:
    rig.to(9.0)
    rig.answering = False
    rig.to(11.0)
    line = rig.balanced()
    assert (line["sent"], line["in_flight"], line["finished"]) == (COUNT, 10, False)
    rig.answering = True
    rig.to(12.0)
    line = rig.balanced()
    assert (line["ok"], line["in_flight"], line["finished"]) == (COUNT, 0, True)
    assert line["peak_in_flight"] == 10


def test_without_answers_every_call_times_out(rig: Rig) -> None:
    rig.answering = False
    rig.to(20.0)
    line = rig.balanced()
    assert (line["sent"], line["failed"], line["finished"]) == (COUNT, COUNT, True)
    assert {REASONS[code] for code in rig.samples()["reason"]} == {"timeout"}


def test_nothing_is_dealt_after_the_lease(rig: Rig) -> None:
    rig.engine.extend(START + 4.0)
    rig.to(20.0)
    line = rig.balanced()
    assert (line["sent"], line["dropped"]) == (40, 0)


def test_who_leaves_says_when(rig: Rig) -> None:
    rig.to(5.0)
    line = rig.engine.leave(START + 5.0)
    assert (line["left"], line["t"], line["planned"], line["sent"]) == (5.0, 5.0, 50, 50)


def test_two_workers_and_a_loss_send_every_arrival_once() -> None:
    first, second = Rig(), Rig()
    for rank, rig in enumerate((first, second)):
        rig.engine.take_share(rank, 2, START, float("-inf"))
        rig.to(4.0)
    second.engine.leave(START + 4.0)
    first.engine.take_share(0, 1, START, 4.0)
    first.to(20.0)
    sent = [*first.samples()["index"].tolist(), *second.samples()["index"].tolist()]
    assert sorted(sent) == list(range(COUNT))
    assert first.balanced()["plans"] == 2
    for rig in (first, second):
        rig.engine.close()
        rig.endpoint.close()


def test_what_a_persona_does_before_zero_is_extra() -> None:
    rig = Rig("agent")
    rig.engine.take_share(0, 1, START, float("-inf"))
    rig.to(0.0)
    assert (rig.balanced()["extra"], rig.balanced()["sent"]) == (ACCOUNTS, 0)
    assert (rig.samples()["planned"] < 0).all()
    rig.engine.close()
    rig.endpoint.close()


def test_a_target_with_max_rps_is_never_sent_more() -> None:
    rig = Rig("agent", max_rps=12.0)
    rig.engine.take_share(0, 1, START, float("-inf"))
    rig.to(2.0)
    rig.pause(0.9)
    rig.to(30.0)
    assert rig.balanced()["sent"] + rig.balanced()["dropped"] == COUNT
    sent = np.sort(rig.samples()["sent"])
    sent = sent[~np.isnan(sent)]
    assert max(np.searchsorted(sent, sent + 1.0) - np.arange(len(sent))) <= 12
    rig.engine.close()
    rig.endpoint.close()


def test_an_unknown_option_is_said_when_the_engine_is_made() -> None:
    with pytest.raises(ValueError, match="unknown persona 'nobody'"):
        Rig("nobody")


def test_a_refusal_in_the_targets_own_words_is_known() -> None:
    with under_way(Rig(status=b"503 No", refusals=[Refusal(503, b"", "burst_exceeded")])) as rig:
        rig.to(20.0)
        assert {REASONS[code] for code in rig.samples()["reason"]} == {"burst_exceeded"}


def test_the_ledger_tells_the_targets_clock() -> None:
    now = formatdate(1_800_000_000, usegmt=True).encode()
    with under_way(Rig(status=b"200 OK\r\nDate: %b" % now)) as rig:
        rig.to(1.0)
        line = rig.engine.line()
        assert 0 < line["target_most"] - line["target_least"] < 2.0
        assert 1_799_999_998 < line["target_least"] < line["target_most"] < 1_800_000_003
    with under_way(Rig()) as rig:
        rig.to(1.0)
        assert "target_least" not in rig.engine.line()


@contextmanager
def under_way(rig: Rig) -> Iterator[Rig]:
    """Under way, and closed at the end."""
    rig.engine.take_share(0, 1, START, float("-inf"))
    try:
        yield rig
    finally:
        rig.engine.close()
        rig.endpoint.close()


@pytest.mark.parametrize(("shared", "connections"), [(False, ACCOUNTS), (True, 1)])
def test_accounts_share_one_pool_of_connections_where_the_run_wants_it(
    shared: bool, connections: int
) -> None:
    rig = Rig(shared_connections=shared)
    rig.engine.take_share(0, 1, START, 0.0)
    rig.to(20.0)
    assert rig.balanced()["ok"] == COUNT
    assert len(rig.endpoint.peers) == connections


@pytest.mark.parametrize(("by_account", "highest"), [(False, COUNT), (True, COUNT // ACCOUNTS)])
def test_request_ids_are_the_processs_or_each_accounts_own(by_account: bool, highest: int) -> None:
    rig = Rig(ids_by_account=by_account)
    rig.engine.take_share(0, 1, START, 0.0)
    rig.to(20.0)
    ids = [int(found[1]) for request in rig.requests if (found := _ID.search(request))]
    assert (len(ids), max(ids), len(set(ids))) == (COUNT, highest, highest)


MARKED = PLAIN.call_tool("echo", {"text": "{nonce}"})._replace(expect=OWN_NONCE)
MARKED_CALLER = GroupBehaviour("caller", (Operation(9, "echo", MARKED),))
_NONCE = re.compile(rb"rznonce-[0-9a-f]+-\d+-\d+-\d+-z")


def test_an_answer_of_another_call_fails_is_counted_and_told_with_both_accounts() -> None:
    rig = Rig(behaviour=MARKED_CALLER)

    def result(request: bytes) -> bytes:
        """Its own nonce; every tenth call gets the one of the call before."""
        number = len(rig.requests) - (2 if len(rig.requests) % 10 == 0 else 1)
        found = _NONCE.search(rig.requests[number])
        assert found
        return b'{"content":[{"text":"%b"}]}' % found[0]

    rig.result = result
    rig.engine.take_share(0, 1, START, 0.0)
    rig.to(20.0)
    line = rig.balanced()
    assert (line["ok"], line["failed"]) == (COUNT - 10, 10)
    reasons = {REASONS[one["reason"]] for one in rig.samples() if one["outcome"] == Outcome.FAILED}
    assert reasons == {"foreign_answer"}
    assert [(one["arrival"], one["of_arrival"]) for one in rig.foreign] == [
        (n, n - 1) for n in range(9, 100, 10)
    ]
    assert all(one["account"] == one["arrival"] % 4 for one in rig.foreign)
    assert all(one["of_account"] == one["of_arrival"] % 4 for one in rig.foreign)
    done = rig.samples()["done"]
    assert rig.foreign[0]["t"] in done.round(6).tolist()


def test_without_a_mark_nothing_is_held_against_anything() -> None:
    rig = Rig()
    rig.result = lambda request: b'{"content":[{"text":"rznonce-1234567890-0-0-1-z"}]}'
    rig.engine.take_share(0, 1, START, 0.0)
    rig.to(20.0)
    assert (rig.balanced()["ok"], rig.foreign) == (COUNT, [])


@pytest.mark.parametrize("read", [True, False])
def test_answers_to_calls_that_timed_out_are_held_against_them_where_the_run_reads_them(read: bool) -> None:
    """Nothing is answered for twenty seconds; then each call's answer comes, every tenth the one before."""
    rig = Rig(behaviour=MARKED_CALLER, late_answers=read)

    def result(request: bytes) -> bytes:
        number = len(rig.requests) - (2 if len(rig.requests) % 10 == 0 else 1)
        found = _NONCE.search(rig.requests[number])
        assert found
        return b'{"content":[{"text":"%b"}]}' % found[0]

    rig.result, rig.answering = result, False
    rig.engine.take_share(0, 1, START, 0.0)
    rig.to(20.0)
    assert (rig.engine.finished, rig.engine.to_part) == (True, read)
    rig.answering = True
    rig.to(21.0)
    line = rig.balanced()
    assert (line["failed"], line["in_flight"]) == (COUNT, 0)
    assert {REASONS[one["reason"]] for one in rig.samples()} == {"timeout"}
    counts = {"read": COUNT, "checked": COUNT, "foreign": 10, "wrong": 0, "lost": 0, "unasked": 0}
    assert line.get("late_answers") == (counts if read else None)
    assert len(rig.foreign) == (10 if read else 0)
    assert not rig.engine.to_part


def test_a_mark_that_comes_on_an_idle_connection_is_foreign() -> None:
    rig = Rig(behaviour=MARKED_CALLER, late_answers=True)
    rig.result = lambda request: b'{"content":[{"text":"%b"}]}' % _NONCE.findall(request)[0]
    rig.engine.take_share(0, 1, START, 0.0)
    rig.to(5.0)
    said = _NONCE.findall(rig.requests[0])[0]
    rig.endpoint.peers[2].send(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n" + said)
    rig.to(20.0)
    assert rig.balanced()["late_answers"]["unasked"] == 1
    (line,) = rig.foreign
    assert (line["by"], line["account"], line["of_account"], line["of_arrival"]) == ("unasked", 2, 0, 0)
