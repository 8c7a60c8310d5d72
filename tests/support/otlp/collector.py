"""OpenTelemetry's collector, on loopback: it takes OTLP and gives it on to a receiver of the tests."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import yaml

from cli.launch.local_workers import free_port
from tests.support import needs

START_TIMEOUT: Final = 30.0
NAME: Final = "otel-collector"


class Collector:
    """What it took and could not give on yet is lost with it: a test kills it with nothing in its hands."""

    def __init__(self, folder: Path, gives_to: str) -> None:
        """`gives_to`: the URL of a receiver."""
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._folder, self._gives_to = folder, gives_to
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it listens. RuntimeError if it does not get so far."""
        self._folder.mkdir(parents=True, exist_ok=True)
        config = self._folder / "collector.yaml"
        config.write_text(yaml.safe_dump(self._config()))
        with (self._folder / "collector.log").open("ab") as log:
            command = [needs.require(NAME), f"--config=file:{config}"]
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + START_TIMEOUT
        while not self._listens():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self._folder / "collector.log").read_text()[-2000:])
            time.sleep(0.05)

    def _config(self) -> dict[str, object]:
        pipeline = {"receivers": ["otlp"], "exporters": ["otlphttp"]}
        queue = {"enabled": False}  # an answer of the receiver's is the collector's own
        return {
            "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{self.port}"}}}},
            "exporters": {
                "otlphttp": {
                    "endpoint": self._gives_to, "sending_queue": queue, "retry_on_failure": queue,
                    "compression": "gzip",
                }
            },
            "service": {
                "pipelines": {"metrics": pipeline, "traces": pipeline},
                "telemetry": {"metrics": {"level": "none"}, "logs": {"level": "warn"}},
            },
        }  # fmt: skip

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

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
def collector(folder: Path, gives_to: str) -> Iterator[Collector]:
    """A running one."""
    found = Collector(folder, gives_to)
    found.start()
    try:
        yield found
    finally:
        found.stop()
