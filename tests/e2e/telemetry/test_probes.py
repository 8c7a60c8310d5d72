"""The prober as a process: against sources that answer, stall, break and talk nonsense."""

from __future__ import annotations

import json
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from common.paths import ROOT
from telemetry.probing.target_log import read
from tests.support.stack_rig import wait_until

pytestmark = pytest.mark.e2e

BODY = b"# TYPE hits counter\nhits_total 7\n"
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
ANSWERS = {
    "/good": WHOLE,
    "/chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"
    % (len(BODY), BODY),
    "/until-the-end": b"HTTP/1.0 200 OK\r\n\r\n" + BODY,
    "/hints": b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + WHOLE,
    "/missing": b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    "/moved": b"HTTP/1.1 302 Found\r\nLocation: /good\r\nContent-Length: 0\r\n\r\n",
    "/page": b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n<html></html>",
    "/binary": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n\xff\xfe",
    "/short": b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n" + BODY,
    "/not-http": b"220 mail.example.org ESMTP\r\n",
    "/closed": b"",
}
UP = {"/good", "/chunked", "/until-the-end", "/hints"}


class Source(socketserver.BaseRequestHandler):
    """Answers by path; `/stall` never does, `/trickle` sends a byte now and then."""

    def handle(self) -> None:
        path = self.request.recv(4096).split()[1].decode()
        if path in ANSWERS:
            self.request.sendall(ANSWERS[path])
            return
        if path == "/trickle":
            self._trickle()
        self.server.going.wait()  # type: ignore[attr-defined]

    def _trickle(self) -> None:
        try:
            while not self.server.going.wait(0.05):  # type: ignore[attr-defined]
                self.request.sendall(b"HTTP/1.1 200 OK\r\n" if not hasattr(self, "began") else b"X")
                self.began = True
        except OSError:
            return


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    with Server(("127.0.0.1", 0), Source) as server:
        server.going = threading.Event()  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.going.set()  # type: ignore[attr-defined]
        server.shutdown()
        thread.join()


@contextmanager
def probing(out: Path, sources: dict[str, str], *more: str) -> Iterator[subprocess.Popen[bytes]]:
    """A prober that has its baseline."""
    command = [sys.executable, "-m", "telemetry.probing.probes", "--out", str(out), "--interval", "0.2"]
    command += ["--start-monotonic", repr(time.monotonic()), *more]
    for name, url in sources.items():
        command += ["--source", f"{name}={url}"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            yield process
        finally:
            process.kill()


def lines(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.read_text().splitlines()]


def test_every_answer_is_understood_or_named(base: str, tmp_path: Path) -> None:
    out = tmp_path / "target.jsonl"
    with probing(out, {path[1:]: base + path for path in ANSWERS}) as process:
        process.terminate()
        assert process.wait(60) == 0
        assert process.stderr is not None
        assert process.stderr.read() == b""
    for line in lines(out):
        if "/" + line["source"] in UP:
            assert line["up"]
            assert line["values"] == {"hits_total": 7}
        else:
            assert not line["up"]
            assert line["values"] == {}
            assert line["error"]
            assert "\n" not in line["error"]
    assert {line["source"] for line in lines(out)} == {path[1:] for path in ANSWERS}


def test_a_stalled_source_delays_no_other(base: str, tmp_path: Path) -> None:
    out = tmp_path / "target.jsonl"
    sources = {"good": f"{base}/good", "stall": f"{base}/stall", "trickle": f"{base}/trickle"}
    with probing(out, sources, "--timeout", "0.9") as process:
        wait_until(lambda: sum(line["source"] == "stall" for line in lines(out)) >= 3)
        process.terminate()
        assert process.wait(60) == 0
    by_source = {name: [line for line in lines(out) if line["source"] == name] for name in sources}
    assert len(by_source["good"]) > 1.5 * len(by_source["stall"])
    for name in ("stall", "trickle"):
        assert {line["error"] for line in by_source[name]} == {"no whole answer within 0.9 s"}


def test_a_source_that_is_not_there_is_down(tmp_path: Path) -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        out, url = tmp_path / "target.jsonl", f"http://127.0.0.1:{sock.getsockname()[1]}/metrics"
        with probing(out, {"gone": url}) as process:
            process.terminate()
            assert process.wait(60) == 0
    assert [line["up"] for line in lines(out)][:1] == [False]
    assert read(out).sources["gone"].t.size == 0


def test_eof_ends_it_with_a_last_scrape(base: str, tmp_path: Path) -> None:
    out = tmp_path / "target.jsonl"
    with probing(out, {"good": f"{base}/good"}, "--interval", "1000") as process:
        assert len(lines(out)) == 1
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(60) == 0
    assert len(lines(out)) == 2


def test_ctrl_c_does_not_end_it_while_its_starter_lives(base: str, tmp_path: Path) -> None:
    out = tmp_path / "target.jsonl"
    with probing(out, {"good": f"{base}/good"}) as process:
        process.send_signal(signal.SIGINT)
        before = len(lines(out))
        wait_until(lambda: len(lines(out)) > before + 2)
        assert process.poll() is None
        process.terminate()
        assert process.wait(60) == 0
        assert process.stderr is not None
        assert process.stderr.read() == b""


def test_scrapes_lie_on_the_grid(base: str, tmp_path: Path) -> None:
    out = tmp_path / "target.jsonl"
    with probing(out, {"good": f"{base}/good"}) as process:
        wait_until(lambda: len(lines(out)) >= 6)
        process.terminate()
        assert process.wait(60) == 0
    asked = [line["t"] - line["took_s"] for line in lines(out)][1:-1]
    assert asked == sorted(asked)
    ticks = [int(t / 0.2 + 1e-6) for t in asked]
    assert len(set(ticks)) == len(ticks)  # never two in one interval: what was missed is not made up for


def test_a_disk_that_takes_nothing_is_exit_3(base: str) -> None:
    command = [
        sys.executable,
        "-m",
        "telemetry.probing.probes",
        "--out",
        "/dev/full",
        "--start-monotonic",
        "0",
    ]
    done = subprocess.run(
        [*command, "--source", f"good={base}/good"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 3
    assert done.stderr.startswith("probes: /dev/full: ")
    assert done.stderr.count("\n") == 1
