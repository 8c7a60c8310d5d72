"""Answers to calls that timed out are read, on paired sockets and a manual clock."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from telemetry.recording.sample import REASONS, Flag, Outcome
from tests.support.http_answers import SIZED
from tests.unit.users.transport.test_connection import (
    CHUNKED_STREAM,
    DONE,
    HALVES,
    LAST_CHUNK,
    REQUEST,
    RULES,
    TIMEOUT,
    Rig,
)
from users.transport.call import Call
from users.transport.client import Client


class Waiting(Rig):
    """A rig whose client reads on."""

    def __init__(self) -> None:
        super().__init__()
        self.late: list[Call] = []
        self.lost: list[Call] = []
        self.said: list[tuple[int, bytes]] = []
        self.client.close()
        self.client = Client(
            self.endpoint, self.over.append, rules=RULES, timeout=TIMEOUT, late=self, clock=self.clock,
            loop=self.loop,
        )  # fmt: skip

    def answered(self, call: Call) -> None:
        self.late.append(call)

    def broken(self, call: Call) -> None:
        self.lost.append(call)

    def unasked(self, pool: int, data: bytes) -> None:
        self.said.append((pool, data))

    def timed_out(self, *before: bytes) -> Call:
        call = self.send()
        self.tell(*before)
        self.pass_deadline()
        assert (self.told(call), self.open) == ("timeout", (0, 1))
        return call


@pytest.fixture
def rig() -> Iterator[Waiting]:
    made = Waiting()
    yield made
    made.client.close()
    made.endpoint.close()
    assert made.loop.watched == 0
    assert made.client.late_due == 0


@pytest.mark.parametrize("begun", ["nothing", "half a body"])
def test_a_late_answer_is_judged_beside_the_call_that_timed_out(rig: Waiting, begun: str) -> None:
    call = rig.send()
    call.nonce = b"mine"
    rig.tell(HALVES[begun])
    rig.pass_deadline()
    rig.clock.now += 2.0
    rig.tell(SIZED[len(HALVES[begun]) :])
    (late,) = rig.late
    assert (late.request_id, late.nonce, late.done - late.sent) == (1, b"mine", TIMEOUT + 2.0)
    assert (late.status, REASONS[late.reason]) == (200, "")
    assert (rig.told(call), call.status, call.done - call.sent) == ("timeout", 0, TIMEOUT)
    assert rig.open == (0, 1)


def test_nobody_uses_its_connection_before_the_answer_and_somebody_does_after_it(rig: Waiting) -> None:
    rig.timed_out()
    assert rig.client.late_due == 1
    other = rig.send()
    assert other.flags & Flag.NEW_CONNECTION
    rig.tell(SIZED)
    rig.send()  # the second connection is idle, and taken
    rig.endpoint.peers[0].send(SIZED)
    rig.loop.run()
    assert (rig.client.late_due, len(rig.late)) == (0, 1)
    third = rig.send()
    assert not third.flags & Flag.NEW_CONNECTION
    rig.heard(0)
    rig.endpoint.peers[0].send(SIZED)
    rig.loop.run()
    assert rig.told(third) == "ok"


@pytest.mark.parametrize("end", [b"", b"\x00\x01"])
def test_its_end_is_told_once(rig: Waiting, end: bytes) -> None:
    rig.timed_out()
    rig.tell(end) if end else rig.hang_up()
    assert (len(rig.lost), rig.late, rig.open) == (1, [], (0, 0))
    assert len(rig.over) == 1


def test_a_late_event_stream_is_read_to_its_answer(rig: Waiting) -> None:
    rig.timed_out(CHUNKED_STREAM)
    rig.tell(DONE)
    (late,) = rig.late
    assert (late.status, rig.open) == (200, (0, 0))


def test_a_call_that_is_given_up_or_aborted_is_cut_as_ever(rig: Waiting) -> None:
    first, second = rig.send(), rig.send()
    rig.client.abandon(first)
    rig.client.abort_all()
    assert (rig.open, len(rig.over), rig.client.late_due) == ((0, 0), 2, 0)
    assert first.outcome is second.outcome is Outcome.ABORTED


def test_a_request_that_is_not_out_has_no_answer_to_wait_for(rig: Waiting) -> None:
    rig.send(REQUEST + b"x" * (1 << 22))
    call = Call(0, 0.0, 0, 0, 0)
    rig.client.send(call)  # still connecting
    rig.pass_deadline()
    assert (rig.open, rig.client.late_due) == ((0, 0), 0)


def test_what_nobody_asked_for_is_told_and_costs_the_connection(rig: Waiting) -> None:
    rig.send()
    rig.tell(SIZED)
    rig.tell(SIZED)
    assert (rig.said, rig.open) == ([(0, SIZED)], (0, 0))


def test_a_second_answer_in_the_same_bytes_is_told_too(rig: Waiting) -> None:
    call = rig.send()
    rig.tell(SIZED + SIZED)
    assert rig.told(call) == "ok"
    assert (rig.said, rig.open) == ([(0, b"hello")], (0, 0))


def test_so_is_one_behind_the_end_of_a_stream_that_was_over(rig: Waiting) -> None:
    rig.send()
    rig.tell(CHUNKED_STREAM + DONE)
    rig.tell(LAST_CHUNK + SIZED)
    assert (rig.said, rig.open) == ([(0, b"hello")], (0, 0))


def test_so_is_one_behind_a_late_answer(rig: Waiting) -> None:
    rig.timed_out()
    rig.tell(SIZED + SIZED)
    assert (len(rig.late), rig.said, rig.open) == (1, [(0, b"hello")], (0, 0))
