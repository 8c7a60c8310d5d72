"""A client's connections on paired sockets: no network, no time but a manual clock's."""

from __future__ import annotations

import errno
import gc
import socket
import ssl
from collections.abc import Iterator

import pytest

from telemetry.recording.sample import OWN_LIMITS, REASONS, Flag, Outcome
from tests.support.http_answers import ANSWERS, GARBAGE, OK, SIZED, WHOLE
from tests.support.manual_clock import ManualClock
from tests.support.manual_loop import ManualLoop, PairedEndpoint
from tests.support.recorder.certificates import make
from users.transport.answer_rules import AnswerRules, judge_status
from users.transport.call import Call
from users.transport.client import DRAIN_FOR, MOST_OVER, Client
from users.transport.connection import Connection

TIMEOUT = 10.0
MAX_BODY = 4096
REQUEST = b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n"
STREAM = OK + b"Content-Type: text/event-stream\r\n\r\n"
CHUNKED_STREAM = OK + b"Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
DONE = b"c\r\ndata: done\n\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"


class Stream:
    """An event stream whose answer is `data: done`."""

    def __init__(self, request_id: int) -> None:
        self.text = b""

    @property
    def size(self) -> int:
        return len(self.text)

    def feed(self, piece: bytes) -> bool:
        self.text += piece
        return b"data: done\n\n" in self.text


RULES = AnswerRules(judge_status, Stream)
HALVES = {
    "nothing": b"",
    "half a header": SIZED[:20],
    "half a body": SIZED[:-2],
    "a body without an end": OK + b"\r\nhel",
    "a stream without our answer": STREAM + b"data: wait\n\n",
    "an interim answer": b"HTTP/1.1 100 Continue\r\n\r\n",
}


class Rig:
    """A client whose peers are ours to play."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.clock, self.loop, self.endpoint = ManualClock(), ManualLoop(), PairedEndpoint(tls=tls)
        self.over: list[Call] = []
        self.client = Client(
            self.endpoint, self.over.append, rules=RULES, timeout=TIMEOUT, max_body=MAX_BODY,
            clock=self.clock, loop=self.loop,
        )  # fmt: skip

    def send(self, request: bytes = REQUEST, account: int = 0) -> Call:
        call = Call(0, 0.0, account, 0, 0)
        call.request, call.request_id = request, 1
        self.client.send(call)
        self.loop.run()
        return call

    def tell(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.endpoint.peers[-1].send(piece)
            self.loop.run()

    def hang_up(self) -> None:
        self.endpoint.peers[-1].shutdown(socket.SHUT_WR)
        self.loop.run()

    def heard(self, peer: int = -1) -> bytes:
        return self.endpoint.peers[peer].recv(1 << 20)

    def pass_deadline(self) -> None:
        self.clock.now += TIMEOUT
        self.loop.tick()

    def told(self, call: Call) -> str:
        """How the call ended; every call ends once."""
        assert self.over.count(call) == 1
        return "ok" if call.outcome is Outcome.OK else REASONS[call.reason]

    @property
    def open(self) -> tuple[int, int]:
        return self.client.in_flight, self.client.connections


@pytest.fixture
def rig() -> Iterator[Rig]:
    made = Rig()
    yield made
    made.client.close()
    made.endpoint.close()
    assert made.loop.watched == 0
    assert all(sock.fileno() == -1 for sock in made.endpoint.sockets)


def check(rig: Rig, name: str, call: Call, reusable: bool) -> None:
    answer = ANSWERS[name]
    assert (call.status, rig.over) == (answer.status, [call])
    assert rig.open == (0, int(reusable))


@pytest.mark.parametrize("by_byte", [False, True])
@pytest.mark.parametrize("name", ANSWERS)
def test_every_answer_whole_and_byte_by_byte(rig: Rig, name: str, by_byte: bool) -> None:
    call, answer = rig.send(), ANSWERS[name]
    assert rig.heard() == REQUEST
    rig.tell(*([bytes([byte]) for byte in answer.raw] if by_byte else [answer.raw]))
    if answer.until_eof:
        assert rig.over == []
        rig.hang_up()
    check(rig, name, call, answer.keep_alive)


@pytest.mark.parametrize("after", [SIZED, b"\x00\x01"])
@pytest.mark.parametrize("name", WHOLE)
def test_with_trailing_data_the_answer_counts_and_the_connection_does_not(
    rig: Rig, name: str, after: bytes
) -> None:
    call = rig.send()
    rig.tell(WHOLE[name].raw + after)
    check(rig, name, call, reusable=False)


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage(rig: Rig, name: str) -> None:
    call = rig.send()
    rig.tell(GARBAGE[name])
    assert (rig.told(call), rig.open) == ("bad_response", (0, 0))


@pytest.mark.parametrize("name", ["nothing", "half a header", "half a body", "an interim answer"])
def test_an_early_close(rig: Rig, name: str) -> None:
    call = rig.send()
    rig.tell(HALVES[name])
    rig.hang_up()
    assert (rig.told(call), rig.open) == ("reset", (0, 0))


@pytest.mark.parametrize("name", HALVES)
def test_a_reset(rig: Rig, name: str) -> None:
    """The other side closes with our request unread: the system makes a reset of it."""
    call = rig.send()
    rig.tell(HALVES[name])
    rig.endpoint.peers[-1].close()
    rig.loop.run()
    assert (rig.told(call), rig.open) == ("reset", (0, 0))


@pytest.mark.parametrize("name", HALVES)
def test_a_deadline_while_the_answer_comes(rig: Rig, name: str) -> None:
    call = rig.send()
    rig.tell(HALVES[name])
    rig.clock.now += TIMEOUT - 0.001
    rig.loop.tick()
    assert rig.over == []
    rig.pass_deadline()
    assert (rig.told(call), rig.open) == ("timeout", (0, 0))
    assert socket.SO_LINGER in rig.endpoint.sockets[0].options


def test_one_that_hangs_keeps_few_that_are_over(rig: Rig) -> None:
    before, hanging = calls_in_memory(), rig.send()
    for _ in range(MOST_OVER + 50):
        rig.send()
        rig.tell(SIZED)
    rig.over.clear()
    rig.loop.tick()
    assert hanging.outcome is None
    assert calls_in_memory() - before <= 2  # and the connection's last


def calls_in_memory() -> int:
    return sum(isinstance(one, Call) for one in gc.get_objects())


def test_a_deadline_while_connecting(rig: Rig) -> None:
    call = Call(0, 0.0, 0, 0, 0)
    rig.client.send(call)
    rig.pass_deadline()
    assert (rig.told(call), rig.open) == ("timeout", (0, 0))


def test_a_deadline_while_the_request_goes_out(rig: Rig) -> None:
    call = rig.send(REQUEST + b"x" * (1 << 22))
    assert rig.loop.watched == 2
    rig.pass_deadline()
    assert (rig.told(call), rig.open) == ("timeout", (0, 0))


def test_a_refused_connection(rig: Rig) -> None:
    call = Call(0, 0.0, 0, 0, 0)
    rig.client.send(call)
    rig.endpoint.sockets[0].refused = 111
    rig.loop.run()
    assert (rig.told(call), rig.open) == ("connect", (0, 0))


def test_a_large_request_goes_out_in_pieces(rig: Rig) -> None:
    request = REQUEST + b"x" * (1 << 20)
    call, got = rig.send(request), b""
    while len(got) < len(request):
        got += rig.heard()
        rig.loop.run()
    assert got == request
    rig.tell(SIZED)
    assert (rig.told(call), rig.open) == ("ok", (0, 1))


def test_an_answer_to_half_a_request_spoils_the_connection(rig: Rig) -> None:
    call = rig.send(REQUEST + b"x" * (1 << 22))
    rig.tell(SIZED)
    assert (rig.told(call), rig.open) == ("ok", (0, 0))


def test_a_warm_connection_carries_one_call_after_the_other(rig: Rig) -> None:
    calls = []
    for _ in range(3):
        calls.append(rig.send())
        rig.tell(SIZED)
    assert [bool(call.flags & Flag.NEW_CONNECTION) for call in calls] == [True, False, False]
    assert (len(rig.endpoint.peers), rig.open) == (1, (0, 1))


def test_calls_in_flight_together_have_connections_of_their_own(rig: Rig) -> None:
    first, second = rig.send(), rig.send()
    assert rig.open == (2, 2)
    rig.tell(SIZED)
    assert (rig.over, first.outcome) == ([second], None)


@pytest.mark.parametrize("words", [b"", SIZED, b"\x00"])
def test_an_idle_connection_that_ends_or_speaks_is_given_up(rig: Rig, words: bytes) -> None:
    rig.send()
    rig.tell(SIZED)
    rig.tell(words) if words else rig.hang_up()
    assert rig.open == (0, 0)
    rig.send()
    assert len(rig.endpoint.peers) == 2
    assert len(rig.over) == 1


def test_a_stream_that_stays_open_is_over_with_our_answer(rig: Rig) -> None:
    call = rig.send()
    rig.tell(STREAM, b"data: wait\n\n", b"data: do")
    assert rig.over == []
    rig.tell(b"ne\n\n")
    assert rig.told(call) == "ok"
    rig.hang_up()
    assert rig.open == (0, 0)


def answered_by_stream(rig: Rig) -> Call:
    call = rig.send()
    rig.tell(CHUNKED_STREAM + DONE)
    assert (rig.told(call), call.status, rig.open) == ("ok", 200, (0, 1))
    return call


@pytest.mark.parametrize("rest", [(LAST_CHUNK,), (DONE + LAST_CHUNK[:2], LAST_CHUNK[2:])])
def test_the_rest_of_a_stream_is_drained_and_its_connection_used_again(
    rig: Rig, rest: tuple[bytes, ...]
) -> None:
    answered_by_stream(rig)
    rig.tell(*rest)
    second = rig.send()
    rig.tell(SIZED)
    assert (rig.told(second), len(rig.endpoint.peers)) == ("ok", 1)
    assert not second.flags & Flag.NEW_CONNECTION
    assert len(rig.over) == 2


def test_a_connection_that_drains_carries_no_call(rig: Rig) -> None:
    answered_by_stream(rig)
    rig.send()
    assert len(rig.endpoint.peers) == 2


def test_a_stream_that_does_not_end_is_given_up(rig: Rig) -> None:
    answered_by_stream(rig)
    rig.clock.now += DRAIN_FOR - 0.001
    rig.loop.tick()
    assert rig.open == (0, 1)
    rig.clock.now += 0.001
    rig.loop.tick()
    assert (rig.open, len(rig.over)) == ((0, 0), 1)


@pytest.mark.parametrize("end", [b"", b"\x00", LAST_CHUNK + SIZED])
def test_a_stream_that_ends_badly_costs_the_connection_alone(rig: Rig, end: bytes) -> None:
    answered_by_stream(rig)
    rig.tell(end) if end else rig.hang_up()
    assert (rig.open, len(rig.over)) == ((0, 0), 1)


def test_an_answer_that_is_too_large_says_so(rig: Rig) -> None:
    call = rig.send()
    rig.tell(OK + b"Content-Length: 5000\r\n\r\n" + b"x" * (MAX_BODY + 1))
    assert (rig.told(call), call.status, rig.open) == ("bad_response", 200, (0, 0))


def test_answers_that_are_too_large_together_are_a_limit_of_ours(rig: Rig) -> None:
    rig.client._limits.together = 1000
    call = rig.send()
    rig.tell(OK + b"Content-Length: 5000\r\n\r\n" + b"x" * 1001)
    assert (rig.told(call), rig.open) == ("ENOMEM", (0, 0))
    rig.send()
    rig.tell(SIZED)
    assert rig.client._limits.held == 0


def test_what_looks_like_our_answer_outside_a_stream_is_none(rig: Rig) -> None:
    rig.send()
    rig.tell(OK + b"\r\ndata: done\n\n")
    assert rig.over == []


def test_abort_ends_every_call_once(rig: Rig) -> None:
    calls = [rig.send() for _ in range(3)]
    rig.client.abort_all()
    assert {call.outcome for call in calls} == {Outcome.ABORTED}
    rig.pass_deadline()
    assert (len(rig.over), rig.open) == (3, (0, 0))


def test_a_call_that_is_abandoned_ends_alone_and_once(rig: Rig) -> None:
    left, kept = rig.send(), rig.send()
    for _ in range(2):
        rig.client.abandon(left)
    assert (left.outcome, kept.outcome, rig.over, rig.open) == (Outcome.ABORTED, None, [left], (1, 1))
    assert (rig.heard(0), rig.heard(0)) == (REQUEST, b"")  # its connection is closed
    rig.pass_deadline()
    assert [rig.told(call) for call in rig.over] == ["", "timeout"]
    rig.client.abandon(kept)
    assert len(rig.over) == 2


def test_a_call_that_has_not_left_is_not_abandoned(rig: Rig) -> None:
    rig.client.abandon(Call(-1, 0.0, 0, 0, 0))
    assert rig.over == []


@pytest.mark.parametrize("name", OWN_LIMITS)
def test_a_limit_of_our_own_drops_the_call_under_its_name(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def full(self: PairedEndpoint, source: str = "") -> None:
        raise OSError(getattr(errno, name), "the kernel says no")

    monkeypatch.setattr(PairedEndpoint, "socket", full)
    call = rig.send()
    assert (call.outcome, REASONS[call.reason], rig.open) == (Outcome.DROPPED, name, (0, 0))


@pytest.mark.parametrize("name", ["EADDRNOTAVAIL", "ENETUNREACH", "ENETDOWN", "EPERM", "EACCES"])
def test_a_connection_that_cannot_begin_here_drops_the_call(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(Connection, "dial", lambda self, address: getattr(errno, name))
    call = rig.send()
    assert (call.outcome, REASONS[call.reason], rig.open) == (Outcome.DROPPED, name, (0, 0))


@pytest.fixture
def full_rig() -> Iterator[Rig]:
    """Two connections may be open at once."""
    made = Rig()
    made.client._max_connections = 2
    yield made
    made.client.close()
    made.endpoint.close()
    assert made.loop.watched == 0


def test_an_idle_connection_makes_room_for_another_account(full_rig: Rig) -> None:
    for account in range(4):
        call = full_rig.send(account=account)
        full_rig.tell(SIZED)
        assert full_rig.told(call) == "ok"
    assert full_rig.open == (0, 2)
    warm = full_rig.send(account=3)
    cold = full_rig.send(account=0)
    flags = [bool(call.flags & Flag.NEW_CONNECTION) for call in (warm, cold)]
    assert (flags, full_rig.open) == ([False, True], (2, 2))


def test_where_each_connection_carries_a_call_another_is_dropped(full_rig: Rig) -> None:
    first, second, third = (full_rig.send(account=account) for account in range(3))
    assert (first.outcome, second.outcome, full_rig.told(third)) == (None, None, "EMFILE")
    full_rig.tell(SIZED)  # to the second
    fourth = full_rig.send(account=3)
    assert (fourth.outcome, full_rig.open) == (None, (2, 2))


# TLS: the same bytes through a session


class TlsPeer:
    """The server's end of a session on a peer's socket."""

    def __init__(self, rig: Rig, context: ssl.SSLContext) -> None:
        self._rig = rig
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._session = context.wrap_bio(self._in, self._out, server_side=True)

    def shake_hands(self) -> None:
        for _ in range(10):
            self._in.write(self._rig.heard())
            try:
                self._session.do_handshake()
            except ssl.SSLWantReadError:
                self._rig.tell(self._out.read())
                continue
            return self._flush()
        raise AssertionError("no end of shaking hands")

    def tell(self, data: bytes) -> None:
        self._session.write(data)
        self._flush()

    def _flush(self) -> None:
        if records := self._out.read():
            self._rig.tell(records)


@pytest.fixture(scope="module")
def contexts(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """(the client's, the server's)"""
    chain = make(tmp_path_factory.mktemp("tls"), "good")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(chain.cert, chain.key)
    return ssl.create_default_context(cafile=str(chain.ca)), server


Contexts = tuple[ssl.SSLContext, ssl.SSLContext]


@pytest.fixture
def tls_rig(contexts: Contexts) -> Iterator[Rig]:
    made = Rig(contexts[0])
    yield made
    made.client.close()
    made.endpoint.close()


@pytest.mark.parametrize("name", WHOLE)
def test_every_answer_over_tls(tls_rig: Rig, contexts: Contexts, name: str) -> None:
    call = tls_rig.send()
    peer = TlsPeer(tls_rig, contexts[1])
    peer.shake_hands()
    peer.tell(WHOLE[name].raw)
    check(tls_rig, name, call, WHOLE[name].keep_alive)


def test_a_deadline_and_a_loss_while_shaking_hands(tls_rig: Rig) -> None:
    first = tls_rig.send()
    tls_rig.hang_up()
    assert tls_rig.told(first) == "connect"
    second = tls_rig.send()
    tls_rig.pass_deadline()
    assert (tls_rig.told(second), tls_rig.open) == ("timeout", (0, 0))


def test_a_server_that_is_not_trusted(contexts: Contexts) -> None:
    rig = Rig(ssl.create_default_context())
    call = rig.send()
    with pytest.raises(BrokenPipeError):  # the client has hung up
        TlsPeer(rig, contexts[1]).shake_hands()
    assert (rig.told(call), rig.open) == ("connect", (0, 0))
    rig.endpoint.close()
