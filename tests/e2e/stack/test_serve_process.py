"""A process of the stack by itself: its life, its doors, its bad configurations."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from common.paths import ROOT

pytestmark = pytest.mark.e2e
GOOD = {
    "control_token": "t",
    "gateway_secret": "g",
    "issuer": "i",
    "jwks_url": "http://127.0.0.1:9/",
    "addresses": {"origin-a": ["127.0.0.1", 9], "origin-b": ["127.0.0.1", 9]},
}


class Process:
    def __init__(self, folder: Path, config: dict[str, Any]) -> None:
        path = folder / "stack.json"
        path.write_text(json.dumps(config))
        listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        self.life, theirs = self.pipe()
        fds = (listening.fileno(), theirs)
        arguments = ["--config", str(path), "--fd", str(fds[0]), "--life-fd", str(fds[1])]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "fakes.edge", *arguments],
            pass_fds=fds, cwd=ROOT, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        listening.close()
        os.close(theirs)

    @staticmethod
    def pipe() -> tuple[int, int]:
        theirs, ours = os.pipe()
        return ours, theirs

    def get(self, path: str) -> bytes:
        with urllib.request.urlopen(self.url + path, timeout=60) as reply:
            body: bytes = reply.read()
            return body

    def let_go(self) -> None:
        if self.life >= 0:
            os.close(self.life)
            self.life = -1

    def end(self) -> tuple[int, str]:
        _, errors = self.process.communicate(timeout=60)
        return self.process.returncode, errors


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Any]:
    made: list[Process] = []

    def start(config: dict[str, Any]) -> Process:
        made.append(Process(tmp_path, config))
        return made[-1]

    yield start
    for process in made:
        process.let_go()
        process.process.kill()
        process.process.communicate()


def test_it_serves_its_metrics_and_ends_at_sigterm(started: Any) -> None:
    process = started(GOOD)
    assert b"process_cpu_seconds_total" in process.get("/metrics")
    process.process.send_signal(signal.SIGTERM)
    assert process.end() == (0, "")


def test_it_ends_with_its_supervisor(started: Any) -> None:
    process = started(GOOD)
    process.get("/metrics")
    process.let_go()
    assert process.end() == (0, "")


@pytest.mark.parametrize(
    ("change", "words"),
    [({"surprise": 1}, "surprise"), ({"settings": {"edge": {"isolates": 0}}}, "settings.edge.isolates")],
)
def test_a_bad_configuration_is_one_line_and_exit_2(started: Any, change: dict[str, Any], words: str) -> None:
    code, errors = started({**GOOD, **change}).end()
    assert code == 2
    assert words in errors
    assert len(errors.splitlines()) == 1


def test_an_app_that_cannot_be_built_is_exit_3(started: Any) -> None:
    code, errors = started({**GOOD, "addresses": {}}).end()
    assert code == 3
    assert "origin-a" in errors


def test_it_may_open_as_many_files_as_the_system_allows(started: Any) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, soft), hard))  # what a child inherits
    try:
        process = started(GOOD)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    process.get("/metrics")
    assert resource.prlimit(process.process.pid, resource.RLIMIT_NOFILE) == (hard, hard)
