"""A real Prometheus that takes remote writes, on loopback; its data outlives `kill` and the next `start`."""

from __future__ import annotations

import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from cli.launch.local_workers import free_port
from tests.support import needs

START_TIMEOUT: Final = 30.0
WRITE: Final = "/api/v1/write"


class LocalPrometheus:
    """It scrapes nothing, and keeps to its defaults: no sample out of order."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def env(self) -> dict[str, str]:
        """The variables that switch telemetry on."""
        return {"PROMETHEUS_REMOTE_WRITE_URL": f"{self.url}{WRITE}"}

    def start(self) -> None:
        """Start it and wait until it is ready. RuntimeError if it does not get so far."""
        program = needs.NEEDS["prometheus"].find()
        if program is None:
            raise RuntimeError(f"prometheus is not installed, allowed: {needs.NEEDS['prometheus'].command}")
        self._folder.mkdir(parents=True, exist_ok=True)
        config = self._folder / "prometheus.yml"
        config.write_text("global: {}\n")
        command = [
            program,
            f"--config.file={config}",
            f"--storage.tsdb.path={self._folder}/data",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--web.enable-remote-write-receiver",
        ]
        with (self._folder / "prometheus.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + START_TIMEOUT
        while not self._ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self._folder / "prometheus.log").read_text()[-2000:])
            time.sleep(0.05)

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def query(self, expression: str, at: float) -> list[dict[str, Any]]:
        """The result of an instant query at a Unix time. RuntimeError with what Prometheus says of it."""
        return self._ask("query", query=expression, time=f"{at:.3f}")

    def query_range(
        self, expression: str, start: float, end: float, step: float = 1.0
    ) -> list[dict[str, Any]]:
        """The result of a range query."""
        return self._ask("query_range", query=expression, start=f"{start}", end=f"{end}", step=f"{step}")

    def number(self, expression: str, at: float) -> float:
        """The one value of an instant query; 0 where there is none."""
        found = self.query(expression, at)
        assert len(found) <= 1, found
        return float(found[0]["value"][1]) if found else 0.0

    def _ask(self, kind: str, **form: str) -> list[dict[str, Any]]:
        request = urllib.request.Request(f"{self.url}/api/v1/{kind}", urllib.parse.urlencode(form).encode())
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                found: list[dict[str, Any]] = msgspec.json.decode(answer.read())["data"]["result"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{error.read().decode()}: {form}") from None
        return found

    def kill(self) -> None:
        """End it as a crash does."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """End it."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(20)


@contextmanager
def prometheus(folder: Path) -> Iterator[LocalPrometheus]:
    """A running server."""
    needs.require("prometheus")
    server = LocalPrometheus(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()
