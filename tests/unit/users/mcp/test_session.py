"""A session: opened once, opened anew when it is lost, closed at the end, and each of that counted."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from telemetry.recording.sample import REASON_CODE, Outcome
from tests.support.manual_clock import ManualClock
from users.mcp.dialect import Dialect
from users.mcp.messages import Message
from users.mcp.operations import CLOSE, INITIALIZE, INITIALIZED
from users.mcp.session import RETRY, McpSession, SessionCounts
from users.transport.call import Call


@dataclass
class Wire:
    """What the session had sent: (code, bare), and who waits for the end of it."""

    sent: list[tuple[int, bool]] = field(default_factory=list)
    waiting: list[Callable[[Call], None]] = field(default_factory=list)
    changes: int = 0
    settles: int = 0
    later_on: list[tuple[float, Callable[[], None]]] = field(default_factory=list)

    def send_own(self, message: Message, code: int, on_done: Callable[[Call], None], *, bare: bool) -> None:
        self.sent.append((code, bare))
        self.waiting.append(on_done)

    def changed(self) -> None:
        self.changes += 1

    def settled(self) -> None:
        self.settles += 1

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        self.later_on.append((seconds, action))


class Rig:
    def __init__(self, version: str = "2025-11-25", wait: float = 0.0) -> None:
        self.clock, self.wire, self.counts = ManualClock(100.0), Wire(), SessionCounts()
        self.session = McpSession(Dialect(version), self.wire, self.counts, self.clock, wait=wait)

    def answer(
        self, status: int = 200, id: bytes = b"s-1", version: str = "2025-06-18", heard: bool = True
    ) -> None:
        """To the `initialize` that is under way; `heard`: the notice that follows is answered, too."""
        call = Call(-1, 0.0, 0, 0, INITIALIZE)
        call.status, call.outcome = status, Outcome.OK if status == 200 else Outcome.FAILED
        call.headers = {b"mcp-session-id": id} if id else {}
        call.body = json.dumps({"id": 0, "result": {"protocolVersion": version}}).encode()
        self.wire.waiting.pop()(call)
        if status == 200 and heard:
            self.heed_notice()

    def heed_notice(self, status: int = 202) -> None:
        """Answer the notice that the session is open."""
        assert self.wire.sent[-1] == (INITIALIZED, False)
        call = Call(-1, 0.0, 0, 0, INITIALIZED)
        call.status, call.outcome = status, Outcome.OK if status == 202 else Outcome.FAILED
        self.wire.waiting.pop()(call)

    def opened(self, id: bytes = b"s-1") -> Rig:
        self.session.open()
        self.answer(id=id)
        return self

    def fails(self, status: int, sent: float, code: int = 9) -> None:
        call = Call(0, sent, 0, 0, code)
        call.status, call.sent, call.reason = status, sent, REASON_CODE["http_error"]
        self.session.failed(call)


def test_it_opens_and_says_so() -> None:
    rig = Rig().opened()
    assert rig.wire.sent == [(INITIALIZE, True), (INITIALIZED, False)]
    assert (rig.session.id, rig.session.version) == (b"s-1", b"2025-06-18")
    assert rig.counts == SessionCounts(opened=1)
    assert rig.wire.settles == 1


@pytest.mark.parametrize("status", [202, 400, 500])
def test_nothing_else_of_it_goes_before_the_notice_was_heard(status: int) -> None:
    rig = Rig()
    rig.session.open()
    rig.answer(heard=False)
    assert (rig.session.opening, rig.wire.changes, rig.wire.settles) == (True, 1, 0)
    rig.heed_notice(status)
    assert (rig.session.opening, rig.wire.changes, rig.wire.settles) == (False, 1, 1)


def test_a_session_that_is_refused_gives_way_at_once() -> None:
    rig = Rig()
    rig.session.open()
    rig.answer(503)
    assert (rig.session.opening, rig.wire.changes, rig.wire.settles) == (False, 0, 1)


def test_a_server_without_sessions_is_no_session() -> None:
    rig = Rig().opened(id=b"")
    assert (rig.session.id, rig.session.version) == (b"", b"2025-06-18")
    assert rig.counts == SessionCounts()
    rig.fails(404, 101.0)
    assert len(rig.wire.sent) == 2


def test_one_that_is_gone_is_opened_anew_without_its_id() -> None:
    rig = Rig().opened()
    rig.clock.now = 110.0
    for _ in range(5):
        rig.fails(404, 105.0)
    assert rig.wire.sent[2:] == [(INITIALIZE, True)]
    assert rig.session.id == b"s-1"
    rig.answer(id=b"s-2")
    assert rig.session.id == b"s-2"
    assert rig.counts == SessionCounts(opened=1, lost=1, reopened=1)
    rig.fails(404, 109.0)  # it carried the old one
    assert rig.counts.lost == 1


def test_with_a_wait_one_that_is_gone_is_opened_anew_after_it() -> None:
    rig = Rig(wait=4.0).opened()
    for _ in range(2):  # each time that it is lost
        rig.clock.now += 10.0
        for _ in range(5):
            rig.fails(404, rig.clock.now)
        (seconds, opens), *others = rig.wire.later_on
        assert (seconds, others, rig.session.opening) == (4.0, [], False)
        rig.wire.later_on.clear()
        opens()
        rig.answer(id=b"s-2")
    assert rig.wire.sent[2:] == [(INITIALIZE, True), (INITIALIZED, False)] * 2
    assert rig.counts == SessionCounts(opened=1, lost=2, reopened=2)


@pytest.mark.parametrize("status", [400, 401, 403, 429, 500, 503])
def test_no_other_answer_loses_a_session(status: int) -> None:
    rig = Rig().opened()
    rig.clock.now = 110.0
    rig.fails(status, 105.0)
    assert len(rig.wire.sent) == 2


@pytest.mark.parametrize("code", [INITIALIZE, CLOSE])
def test_its_own_calls_lose_nothing(code: int) -> None:
    rig = Rig().opened()
    rig.clock.now = 110.0
    rig.fails(404, 105.0, code)
    assert len(rig.wire.sent) == 2


def test_a_server_that_is_down_is_asked_once_a_second() -> None:
    rig = Rig().opened()
    rig.clock.now = 110.0
    rig.fails(404, 105.0)
    rig.answer(503)
    for tenth in range(10):
        rig.clock.now = 110.0 + tenth * RETRY / 10
        rig.fails(404, 105.0)
    assert len(rig.wire.sent) == 3
    rig.clock.now = 110.0 + RETRY
    rig.fails(404, 105.0)
    rig.answer(id=b"s-2")
    assert rig.counts == SessionCounts(opened=1, lost=1, reopened=1)


def test_one_that_was_refused_is_asked_for_again_when_a_call_needs_it() -> None:
    rig = Rig()
    rig.session.open()
    rig.answer(503)
    assert (rig.session.id, rig.wire.settles) == (b"", 1)
    rig.fails(500, 101.0)
    rig.clock.now = 102.0
    rig.fails(400, 101.0)
    rig.answer()
    assert rig.counts == SessionCounts(opened=1)


def test_closing_counts_what_the_server_closed() -> None:
    rig = Rig().opened()
    call = Call(-1, 0.0, 0, 0, CLOSE)
    call.outcome = Outcome.OK
    rig.session.closed(call)
    assert (rig.session.id, rig.counts) == (b"", SessionCounts(opened=1, closed=1))
