"""Locust with the suite's web UI, as `make ui` starts it, on a free port, ended by its pid."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import psutil

from common.paths import ROOT

BIND: Final = "--master-bind-port"
START_TIMEOUT: Final = 60.0
END_WITHIN: Final = 60.0


class WebUi:
    """The running process; `url` is its root, `results` where its runs go."""

    def __init__(self, folder: Path, *arguments: str, env: dict[str, str] | None = None) -> None:
        self.results = folder / "results"
        self._console = folder / "console.log"
        command = [sys.executable, "-m", "locust", "-f", "locustfile.py", "--web-port", "0"]
        command += ["--out", str(self.results), *arguments]
        with self._console.open("wb") as console:
            self.process = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=console, stderr=console,
                start_new_session=True, env={**os.environ, **(env or {})},
            )  # fmt: skip

        self._workers_port = int(arguments[1 + arguments.index(BIND)]) if BIND in arguments else 0

    @property
    def console(self) -> str:
        return self._console.read_text(errors="replace")

    def listening(self) -> tuple[str, int]:
        """The address and port that it listens on, once it does."""
        limit = time.monotonic() + START_TIMEOUT
        while time.monotonic() < limit:
            assert self.process.poll() is None, self.console
            for one in psutil.Process(self.process.pid).net_connections(kind="tcp"):
                if one.status == psutil.CONN_LISTEN and one.laddr.port != self._workers_port:
                    return one.laddr.ip, one.laddr.port
            time.sleep(0.1)
        raise AssertionError(f"no web UI: {self.console}")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listening()[1]}"

    def get(self, path: str, **headers: str) -> tuple[int, str]:
        return ask(Request(self.url + path, headers=headers))

    def json(self, path: str) -> Any:
        """What a path answers, as data."""
        return json.loads(self.get(path)[1])

    def post(self, path: str, fields: dict[str, str], **headers: str) -> tuple[int, str]:
        return ask(Request(self.url + path, urlencode(fields).encode(), headers))

    def swarm(self, **fields: str) -> Any:
        """Locust's answer to a form."""
        return json.loads(self.post("/swarm", fields)[1])

    def end(self) -> None:
        """End it, with all that it started."""
        self.process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(END_WITHIN)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def ask(request: Request) -> tuple[int, str]:
    """Status and body, whatever the status."""
    try:
        with urlopen(request, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode()


@contextlib.contextmanager
def web_ui(folder: Path, *arguments: str, env: dict[str, str] | None = None) -> Iterator[WebUi]:
    """The web UI for the length of a `with` block."""
    running = WebUi(folder, *arguments, env=env)
    try:
        running.listening()
        yield running
    finally:
        running.end()
