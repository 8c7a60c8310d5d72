"""The judge of the load engine has to be right itself: plain sockets against the recorder."""

from __future__ import annotations

import base64
import http.client
import json
import socket
import time
from collections.abc import Callable

import numpy as np
import psutil
import pytest

from tests.support.recorder.handle import Recorder, recorder
from tests.support.recorder.record import ANSWERED, GONE

pytestmark = pytest.mark.e2e


def call(rpc_id: int | None, token: str = "none", method: str = "tools/call", ip: str = "10.0.0.1") -> bytes:
    content = {"jsonrpc": "2.0", "method": method} | ({} if rpc_id is None else {"id": rpc_id})
    body = json.dumps(content).encode()
    head = f"POST /v1/mcp HTTP/1.1\r\nHost: x\r\nauthorization: Bearer {token}\r\nCF-Connecting-IP: {ip}\r\n"
    return head.encode() + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


def jwt(subject: str, salt: int) -> str:
    claims = json.dumps({"sub": subject, "jti": salt}).encode()
    return f"h.{base64.urlsafe_b64encode(claims).rstrip(b'=').decode()}.s"


def connect(server: Recorder) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=20)


def until(condition: Callable[[], bool]) -> None:
    for _ in range(400):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it never came true")


def test_an_answer_comes_after_the_delay_and_is_recorded() -> None:
    with recorder(0.3) as server, connect(server) as one:
        before = time.monotonic()
        one.sendall(call(41, jwt("anna", 1)))
        answer = http.client.HTTPResponse(one)
        answer.begin()
        assert json.load(answer)["id"] == 41
        after = time.monotonic()
        seen = server.recording()
    (row,) = seen.rows
    assert before <= row["arrived"] < after  # its end is noted after the answer has left
    assert row["ended"] - row["arrived"] >= 0.3
    assert (row["rpc_id"], row["in_flight"], row["end"]) == (41, 1, ANSWERED)
    assert (seen.tokens, seen.ips, seen.methods) == (["anna"], ["10.0.0.1"], ["tools/call"])


def test_a_renewed_token_is_the_same_account() -> None:
    with recorder(0.0) as server:
        for number, subject in enumerate(["anna", "bert", "anna"]):
            with connect(server) as one:
                one.sendall(call(number, jwt(subject, number)))
                one.recv(1000)
        seen = server.recording()
    assert seen.tokens == ["anna", "bert"]
    assert seen.rows["token"].tolist() == [0, 1, 0]
    assert seen.rows["connection"].tolist() == [0, 1, 2]


def test_pieces_and_pipelines_are_counted_once_each() -> None:
    with recorder(0.1) as server, connect(server) as one:
        for byte in call(1):
            one.sendall(bytes((byte,)))
        one.sendall(call(2) + call(3) + call(None, method="notifications/initialized"))
        until(lambda: bool(server.stats()["answered"] == 4))
        seen = server.recording()
    assert seen.only("tools/call").rows["rpc_id"].tolist() == [1, 2, 3]
    assert seen.only("notifications/initialized").rows["rpc_id"].tolist() == [-1]
    assert seen.only("tools/call").rows["in_flight"].max() == 3


def test_clients_that_go_away_are_told_apart() -> None:
    with recorder(60.0) as server:
        whole, half = connect(server), connect(server)
        whole.sendall(call(1))
        half.sendall(call(2)[:-5])
        until(lambda: bool(server.stats()["in_flight"] == 1))
        whole.close()
        half.close()
        until(lambda: bool(server.stats()["partial"] == 1 and server.stats()["gone"] == 1))
        seen = server.recording()
    assert seen.rows["end"].tolist() == [GONE]
    assert np.isfinite(seen.rows["ended"]).all()


def test_garbage_is_no_request() -> None:
    with recorder(0.0) as server:
        for garbage in (b"\x00\x01\x02\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\n{{{"):
            with connect(server) as one:
                one.sendall(garbage)
                one.recv(1000)
        stats = server.stats()
    assert (stats["received"], stats["malformed"]) == (0, 2)


def test_it_ends_with_whoever_started_it() -> None:
    with recorder(0.0) as server:
        pid = server.pid
        assert psutil.pid_exists(pid)
    assert not psutil.pid_exists(pid)
