"""A peer that never ends its answer costs a sender its deadline, and no more."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from threading import Thread

import pytest

from telemetry.delivery.answer_body import MOST_BODY
from telemetry.delivery.http_post import HttpPost, Receiver
from telemetry.delivery.sink import WriteReply, WriteResult
from telemetry.influx.client import InfluxSink, Settings

SHORT = 1.0  # seconds that an answer may take
TOO_LONG = "the answer took too long to come"


class Peer:
    """Answers one request with a head, and so many pieces, `gap` seconds apart; `sent`: bytes of them."""

    def __init__(self, head: bytes, piece: bytes, pieces: int, gap: float) -> None:
        self.sent = 0
        self._answer = (head, piece, pieces, gap)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.thread = Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        head, piece, pieces, gap = self._answer
        connection, _ = self._listener.accept()
        with connection, contextlib.suppress(OSError):
            connection.settimeout(30)
            connection.recv(65536)
            connection.sendall(head)
            for _ in range(pieces):
                time.sleep(gap)
                connection.sendall(piece)
                self.sent += len(piece)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):  # what was not read would reset the connection, answer and all
                pass

    def close(self) -> None:
        self._listener.close()
        self.thread.join(10)


@contextlib.contextmanager
def peer(head: str, piece: bytes, pieces: int, gap: float = 0.0) -> Iterator[Peer]:
    made = Peer(f"HTTP/1.1 {head}\r\n\r\n".encode(), piece, pieces, gap)
    try:
        yield made
    finally:
        made.close()


def influx(url: str, seconds: float = 10.0) -> WriteReply:
    settings = {"URL": url, "TOKEN": "s3cret", "ORG": "o", "BUCKET": "b"}
    sink = InfluxSink(Settings.needed({f"INFLUXDB_V2_{name}": text for name, text in settings.items()}))
    try:
        return sink.write(["a b=1 1"], seconds)
    finally:
        sink.close()


TRICKLE = ("503 Full\r\nContent-Length: 100", b"x", 100, 0.1)  # ten seconds, a byte at a time


def test_a_receiver_that_trickles_is_given_up() -> None:
    with peer(*TRICKLE) as one:
        post = HttpPost(Receiver(one.url))
        answer = post.send(b"", {}, SHORT)
        post.close()
        assert (answer.status, answer.said) == (0, TOO_LONG)


def test_a_database_that_trickles_is_given_up() -> None:
    with peer(*TRICKLE) as one:
        assert influx(one.url, SHORT) == WriteReply(WriteResult.LATER, 0, TOO_LONG)


def test_of_an_answer_without_an_end_no_more_is_read_than_is_wanted() -> None:
    megabyte = b"x" * 2**20
    with peer("502 Bad Gateway\r\nConnection: close", megabyte, 64) as one:
        reply = influx(one.url)
        assert (reply.answer, reply.status) == (WriteResult.LATER, 502)
    assert one.sent < 64 * len(megabyte)


def test_a_proxys_page_in_another_encoding_is_an_answer() -> None:
    page = "<h1>エラー</h1>".encode("shift_jis")
    with peer(f"502 Bad Gateway\r\nContent-Length: {len(page)}", page, 1) as one:
        reply = influx(one.url)
    assert (reply.answer, reply.status) == (WriteResult.LATER, 502)
    assert reply.said.startswith("<h1>")


@pytest.mark.parametrize("length", [0, 1, MOST_BODY - 1])
def test_a_whole_answer_is_there(length: int) -> None:
    with peer(f"200 OK\r\nContent-Length: {length}", b"x" * length, 1) as one:
        post = HttpPost(Receiver(one.url))
        answer = post.send(b"", {}, 10.0)
        post.close()
        assert (answer.status, len(answer.body)) == (200, length)
