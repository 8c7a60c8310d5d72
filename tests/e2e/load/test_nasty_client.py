"""The client against a server that breaks HTTP: each behaviour gets its right name, call by call."""

from __future__ import annotations

import socket
import ssl
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import gevent
import pytest

from telemetry.recording.sample import REASONS, Outcome
from tests.support.recorder import breaking, framing, meaning
from tests.support.recorder.certificates import KINDS, make
from tests.support.recorder.exchange import BEHAVIOURS, OK
from tests.support.recorder.handle import Nasty, nasty
from users.mcp import answers
from users.mcp.dialect import PLAIN
from users.mcp.messages import Message, assemble
from users.transport.call import Call
from users.transport.client import Client
from users.transport.endpoint import Endpoint

pytestmark = pytest.mark.e2e

MODULES: Final = (breaking, framing, meaning)
TIMEOUT: Final = 1.0
ACCOUNTS: Final = 2
LARGER_THAN_BUFFERS: Final = 16 * 1024 * 1024
CALLS: Final = 6  # of each account, one after the other
WAITS: Final = [name for name, one in BEHAVIOURS.items() if one.allowed == {"timeout"}]


class Caller:
    """Plays accounts that call one after the other, whatever becomes of each call."""

    def __init__(self, server: Nasty, path: str, tls: ssl.SSLContext | None, text: str = "x") -> None:
        address = ("127.0.0.1", server.port)
        self.over: list[Call] = []
        self.sent = 0
        self._endpoint = Endpoint(socket.AF_INET, address, "127.0.0.1", tls)
        self._head = f"POST /{path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n".encode()
        self._message: Message = PLAIN.call_tool("echo", {"text": text})
        self._ids = iter(range(1, 1_000_000))

    def play(self, accounts: int, calls: int) -> None:
        """All calls, to the end of the last one."""
        self._client = Client(
            self._endpoint, self.over.append, rules=answers.rules(), sent=self._count, timeout=TIMEOUT
        )
        for account in range(accounts):
            self._next(account, calls)
        try:
            with gevent.Timeout(calls * (TIMEOUT + 1.0) + 20):
                while len(self.over) < accounts * calls:
                    gevent.sleep(0.01)
        finally:
            left = self._client.in_flight
            self._client.close()
        assert left == 0

    def _count(self, call: Call) -> None:
        self.sent += 1

    def _next(self, account: int, calls: int) -> None:
        if not calls:
            return
        call = Call(0, 0.0, account, 0, 0)
        call.request_id = next(self._ids)
        call.request = assemble(self._head, self._message, call.request_id)
        # not from within the end of the call before: a client that fails at once would recurse
        call.on_done = lambda done: gevent.spawn(self._next, account, calls - 1) and None
        self._client.send(call)

    def outcomes(self) -> Counter[str]:
        """How the calls ended: `ok`, or the reason."""
        assert all(call.outcome in (Outcome.OK, Outcome.FAILED) for call in self.over)
        return Counter(OK if call.outcome is Outcome.OK else REASONS[call.reason] for call in self.over)


@pytest.fixture(scope="module")
def server() -> Iterator[Nasty]:
    with nasty() as running:
        yield running


@pytest.fixture(scope="module")
def tls_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Nasty, ssl.SSLContext]]:
    chain = make(tmp_path_factory.mktemp("tls"), "good")
    with nasty(chain=chain) as running:
        yield running, ssl.create_default_context(cafile=str(chain.ca))


def waited(server: Nasty, tls: ssl.SSLContext | None, accounts: int, calls: int) -> dict[str, Caller]:
    """Those that are called until the deadline, all at once."""
    callers = {name: Caller(server, name, tls) for name in WAITS}
    played = [gevent.spawn(one.play, accounts, calls) for one in callers.values()]
    gevent.joinall(played, raise_error=True)
    return callers


@pytest.fixture(scope="module")
def plain(server: Nasty) -> dict[str, Caller]:
    return waited(server, None, ACCOUNTS, CALLS)


@pytest.fixture(scope="module")
def over_tls(tls_server: tuple[Nasty, ssl.SSLContext]) -> dict[str, Caller]:
    return waited(*tls_server, accounts=1, calls=3)


@pytest.mark.parametrize("name", sorted(BEHAVIOURS))
def test_each_behaviour_gets_its_name(server: Nasty, plain: dict[str, Caller], name: str) -> None:
    caller = plain.get(name) or Caller(server, name, None)
    if name not in plain:
        caller.play(ACCOUNTS, CALLS)
    outcomes, told = caller.outcomes(), server.stats()
    assert set(outcomes) <= BEHAVIOURS[name].allowed
    assert caller.sent == ACCOUNTS * CALLS
    received = told["received"][name]
    if BEHAVIOURS[name].races:
        assert outcomes[OK] <= received
        assert caller.sent - received <= outcomes["reset"]
    else:
        assert received == caller.sent
    assert told["elsewhere"] == 0
    assert told["partial"] == 0
    ids = told["ids"][name]
    assert len(set(ids)) == len(ids), "a request was sent twice"


@pytest.mark.parametrize(
    ("on_connect", "allowed"),
    [
        ("accept-then-close", {"reset"}),
        ("accept-then-reset", {"reset", "connect"}),
        ("greet-with-garbage", {"bad_response", "reset"}),
        ("never-read", {"timeout"}),
    ],
)
def test_a_server_that_reads_no_request(on_connect: str, allowed: set[str]) -> None:
    with nasty(on_connect) as server:
        caller = Caller(server, "any", None, "x" * LARGER_THAN_BUFFERS)
        caller.play(ACCOUNTS, 2)
        told = server.stats()
    assert set(caller.outcomes()) <= allowed
    assert told["accepted"] == caller.sent
    assert not told["received"]


def test_nobody_listens() -> None:
    with nasty() as server:
        pass
    caller = Caller(server, "any", None)
    caller.play(ACCOUNTS, 3)
    assert set(caller.outcomes()) == {"connect"}


@pytest.mark.parametrize("kind", KINDS)
def test_certificates_are_checked(tmp_path: Path, kind: str) -> None:
    chain = make(tmp_path, kind)
    with nasty(chain=chain) as server:
        caller = Caller(server, "good", ssl.create_default_context(cafile=str(chain.ca)))
        caller.play(ACCOUNTS, 3)
        received = server.stats()["received"]
    if kind == "good":
        assert (caller.outcomes(), received) == ({OK: caller.sent}, {"good": caller.sent})
    else:
        assert (set(caller.outcomes()), received) == ({"connect"}, {})


def test_an_unknown_authority_is_refused(tmp_path: Path) -> None:
    with nasty(chain=make(tmp_path, "good")) as server:
        caller = Caller(server, "good", ssl.create_default_context())
        caller.play(ACCOUNTS, 3)
        received = server.stats()["received"]
    assert (set(caller.outcomes()), received) == ({"connect"}, {})


@pytest.mark.parametrize("name", sorted(BEHAVIOURS))
def test_each_behaviour_over_tls(
    tls_server: tuple[Nasty, ssl.SSLContext], over_tls: dict[str, Caller], name: str
) -> None:
    caller = over_tls.get(name) or Caller(tls_server[0], name, tls_server[1])
    if name not in over_tls:
        caller.play(1, 3)
    assert set(caller.outcomes()) <= BEHAVIOURS[name].allowed
