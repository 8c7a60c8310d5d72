"""OpenTelemetry's collector, on loopback: it takes OTLP and gives it on to a receiver of the tests."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import yaml

from tests.support import needs
from tests.support.local_server import LocalServer

NAME: Final = "otel-collector"


class Collector(LocalServer):
    """What it took and could not give on yet is lost with it: a test kills it with nothing in its hands."""

    def __init__(self, folder: Path, gives_to: str) -> None:
        """`gives_to`: the URL of a receiver."""
        super().__init__(folder)
        self._gives_to = gives_to

    def command(self) -> list[str]:
        """With its configuration in a file."""
        config = self._folder / "collector.yaml"
        config.write_text(yaml.safe_dump(self._config()))
        return [needs.require(NAME), f"--config=file:{config}"]

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

    def is_ready(self) -> bool:
        """It listens."""
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True


@contextmanager
def collector(folder: Path, gives_to: str) -> Iterator[Collector]:
    """A running one."""
    found = Collector(folder, gives_to)
    found.start()
    try:
        yield found
    finally:
        found.stop()
