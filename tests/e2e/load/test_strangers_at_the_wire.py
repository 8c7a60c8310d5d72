"""A stranger at the master's port: it never joins, it is told nothing, and the run goes on without it.

Strangers speak ZeroMQ's own protocol (ZMTP 3.1) by hand, so that every byte which reaches them is seen.
"""

from __future__ import annotations

import contextlib
import os
import random
import secrets
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgpack  # type: ignore[import-untyped]
import pytest
import zmq
from locust import __version__

from cli.launch.local_workers import free_port
from common.paths import ROOT
from run.workers.sealed_wire import close_to_strangers
from run.workers.wire_secret import VARIABLE
from tests.support.recorder.attack import Attack, Plan, as_a_user
from tests.support.recorder.handle import recorder

pytestmark = pytest.mark.e2e

TRIES: Final = 1_000
LOCUST: Final = (".venv/bin/locust", "-f", "locustfile.py")
RUBBISH: Final = (b"abc", b"", b"\xc1", msgpack.dumps(7), msgpack.dumps(("heartbeat", None, "x")))
SENTINEL: Final = "sentinel-of-a-header"
PLAN: Final = Plan(accounts=10, rate=2, seconds=2, target_keys={"headers": {"X-Secret": SENTINEL}})
GREETING: Final = 64  # bytes
SIGNATURE: Final = b"\xff" + bytes(8) + b"\x7f\x03\x01"


def greeting(mechanism: bytes) -> bytes:
    return SIGNATURE + mechanism.ljust(20, b"\0") + bytes(32)


def command(name: bytes, *properties: tuple[bytes, bytes]) -> bytes:
    body = bytes([len(name)]) + name
    for key, value in properties:
        body += bytes([len(key)]) + key + len(value).to_bytes(4, "big") + value
    return b"\x04" + bytes([len(body)]) + body


def message(kind: str, data: object) -> bytes:
    body: bytes = msgpack.dumps((kind, data, "stranger"))
    return b"\x00" + bytes([len(body)]) + body


def says(chance: random.Random) -> bytes:
    """What one stranger sends: a worker's hello as Locust has it, another mechanism, or rubbish."""
    ready = command(b"READY", (b"Socket-Type", b"DEALER"), (b"Identity", b"stranger"))
    hello = message("client_ready", __version__) + message("load.hello", {}) + message("heartbeat", None)
    return chance.choice(
        [
            greeting(b"NULL") + ready + hello,
            greeting(b"CURVE") + ready + hello,
            greeting(b"CURVE") + command(b"HELLO") + chance.randbytes(200),
            greeting(b"PLAIN") + command(b"HELLO") + hello,
            b"\x01\x02\x03",
            chance.randbytes(chance.randrange(1, 300)),
        ]
    )


def heard(port: int, text: bytes, timeout: float) -> bytes:
    """Everything that a stranger is sent."""
    found = b""
    with socket.create_connection(("127.0.0.1", port), 5) as peer:
        peer.settimeout(timeout)
        with contextlib.suppress(OSError):
            peer.sendall(text)
            while piece := peer.recv(65536):
                found += piece
    return found


def listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


@contextlib.contextmanager
def master(folder: Path, secret: str) -> Iterator[tuple[Attack, int]]:
    port = free_port()
    with recorder(0.01) as server:
        words = [str(PLAN.scenario(folder)), "--target", str(PLAN.target(folder, server.base_url))]
        words += ["--master", "--port", str(port), "--workers", "1"]
        running = Attack(PLAN, server.base_url, folder, 180, {**as_a_user(), VARIABLE: secret}, command=words)
        limit = time.monotonic() + 60
        try:
            while not listens(port):
                assert time.monotonic() < limit, running.console
                time.sleep(0.1)
            yield running, port
        finally:
            running.end()


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_stranger_joins_in_no_try_and_is_sent_no_secret(tmp_path: Path) -> None:
    secret, chance = secrets.token_hex(16), random.Random(1)
    with master(tmp_path, secret) as (running, port):
        sent = [heard(port, says(chance), 0.02) for _ in range(TRIES)]
        with wrong_workers(port, 20) as told:
            joined = worker(port, secret, tmp_path)
            run = running.wait()
            assert told() == []
        joined.wait(30)
    assert running.ended_by_itself(), running.console
    assert max(map(len, sent)) <= GREETING, "a stranger is sent the protocol's greeting alone"
    hidden = (secret, SENTINEL, "get_page", "PRIVATE KEY", str(run.manifest["accounts"][0]["id"]))
    assert not [text for text in hidden if any(text.encode() in one for one in sent)]
    assert run.manifest["workers"] == 1
    run.check_ledger()
    assert run.arrivals["sent"] == PLAN.per_second * PLAN.seconds
    assert "ignored: a peer without the right RESILIENCE_SECRET" in running.console
    assert running.console.count("reported as ready") <= 1  # Locust's own line, where it is shown
    assert secret not in running.console + run.log


@contextlib.contextmanager
def wrong_workers(port: int, count: int) -> Iterator[Callable[[], list[bytes]]]:
    """Workers with another secret; what they are told."""
    context = zmq.Context()
    sockets = []
    for number in range(count):
        made = context.socket(zmq.DEALER)
        made.linger, made.identity = 0, b"wrong-%d" % number
        close_to_strangers(made, secrets.token_hex(16))
        made.connect(f"tcp://127.0.0.1:{port}")
        made.send(msgpack.dumps(("client_ready", __version__, f"wrong-{number}")))
        sockets.append(made)
    try:
        yield lambda: [made.recv() for made in sockets if made.poll(0)]
    finally:
        context.destroy(0)


def worker(port: int, secret: str, folder: Path) -> subprocess.Popen[bytes]:
    with (folder / "worker.log").open("wb") as log:
        return subprocess.Popen(
            [ROOT / "bin" / "worker", "127.0.0.1", "--port", str(port)], stdout=log, stderr=log,
            env={**as_a_user(), VARIABLE: secret}, stdin=subprocess.DEVNULL,
        )  # fmt: skip


@pytest.mark.parametrize(
    "words",
    [
        ("bin/attack", "burst", "--master", "--bind", "0.0.0.0"),
        ("bin/worker", "192.0.2.7"),
        (
            ".venv/bin/locust",
            "-f",
            "locustfile.py",
            "--headless",
            "--master",
            "--master-bind-host",
            "0.0.0.0",
        ),
        (".venv/bin/locust", "-f", "locustfile.py", "--worker", "--master-host", "192.0.2.7"),
    ],
    ids=lambda words: f"{words[0].rpartition('/')[2]}-{words[-2].strip('-')}",
)
def test_off_loopback_a_secret_is_required(words: tuple[str, ...]) -> None:
    environment = {key: value for key, value in as_a_user().items() if key != VARIABLE}
    done = subprocess.run(
        [ROOT / words[0], *words[1:]], check=False, cwd=ROOT, capture_output=True, text=True, timeout=60,
        env=environment,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert f"environment: {VARIABLE}: is missing, allowed: " in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_rubbish_on_a_wire_without_a_secret_is_counted_and_the_run_goes_on(tmp_path: Path) -> None:
    """On loopback a master needs no secret: what is no message of a worker changes nothing."""
    with master(tmp_path, "") as (running, port):
        context, sockets = zmq.Context(), []
        for text in RUBBISH:
            made = context.socket(zmq.DEALER)
            made.linger, made.identity = 500, b"x" if b"heartbeat" in text else os.urandom(5)
            made.connect(f"tcp://127.0.0.1:{port}")
            made.send(text)
            sockets.append(made)
        time.sleep(1)
        for made in sockets:
            made.close()
        context.term()
        joined = worker(port, "", tmp_path)
        run = running.wait()
        joined.wait(30)
    assert running.ended_by_itself(), running.console
    assert "ignored: " in running.console
    assert "Traceback" not in running.console
    run.check_ledger()
