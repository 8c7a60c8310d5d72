from __future__ import annotations

from typing import Any

import pytest

from fakes.edge_runtime.kv import Kv
from fakes.edge_worker.kv_connection import KvConnection, KvListener
from fakes.edge_worker.kv_service import KvService
from fakes.http.asgi import Reply
from fakes.settings import KvSettings

PUT = b"PUT /k?expiration_ttl=60 HTTP/1.1\r\nhost: fake-host\r\ncontent-length: 5\r\n\r\n[1,2]"
GET = b"GET /k HTTP/1.1\r\nhost: fake-host\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nx: y\r\ncontent-length: 2\r\n\r\nok"
CLOSING = ANSWER.replace(b"x: y", b"x: y\r\nconnection: close")


class Line:
    """A connection without a socket."""

    def __init__(self, status: int = 200, listener: KvListener | None = None) -> None:
        self.status = status
        self.asked: list[tuple[str, bytes, bytes]] = []
        self.said, self.open = b"", True
        self.connection = KvConnection(listener or KvListener(self, kept=1))
        transport: Any = self
        self.connection.connection_made(transport)

    def answer(self, method: str, target: bytes, body: bytes) -> Reply:
        self.asked.append((method, target, body))
        return Reply(self.status, [(b"x", b"y")], b"ok")

    def write(self, data: bytes) -> None:
        self.said += data

    def close(self) -> None:
        if self.open:
            self.open = False
            self.connection.connection_lost(None)

    abort = close


@pytest.mark.parametrize("step", [1, 7, len(PUT + GET)])
def test_whole_or_in_pieces_the_same_is_answered(step: int) -> None:
    line, data = Line(), PUT + GET
    for at in range(0, len(data), step):
        line.connection.data_received(data[at : at + step])
    assert line.asked == [("PUT", b"/k?expiration_ttl=60", b"[1,2]"), ("GET", b"/k", b"")]
    assert (line.said, line.open) == (ANSWER * 2, True)


def test_a_refusal_has_the_words_that_the_binding_repeats() -> None:
    line = Line(429)
    line.connection.data_received(GET)
    assert line.said.startswith(b"HTTP/1.1 429 Too Many Requests\r\n")


def test_a_ttl_that_is_too_short_is_refused_in_kvs_own_words() -> None:
    line = Line()
    service: Any = KvService(Kv(), KvSettings)
    line.connection._listener.operations = service
    line.connection.data_received(PUT.replace(b"=60", b"=59"))
    words = b"HTTP/1.1 400 Invalid expiration_ttl of 59. Expiration TTL must be at least 60.\r\n"
    assert line.said.startswith(words)


def test_it_closes_when_asked_to() -> None:
    line = Line()
    line.connection.data_received(GET.replace(b"host: fake-host", b"connection: close"))
    assert (line.said, line.open) == (CLOSING, False)


def test_of_a_crowd_of_connections_so_many_stay_as_are_to_be_kept() -> None:
    listener = KvListener(Line(), kept=2)
    lines = [Line(listener=listener) for _ in range(5)]
    for line in lines:
        line.connection.data_received(GET)
    assert [line.open for line in lines] == [False, False, False, True, True]
    assert [line.said for line in lines] == [CLOSING] * 3 + [ANSWER] * 2
    assert listener.open == 2


@pytest.mark.parametrize(
    "data", [b"\x16\x03\x01", b"GET / HTTP/1.1\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"]
)
def test_what_is_no_http_is_broken_off(data: bytes) -> None:
    line = Line()
    line.connection.data_received(data)
    assert not line.open
