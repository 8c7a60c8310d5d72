"""A real Prometheus that takes remote writes, on loopback; its data outlives `kill` and the next `start`."""

from __future__ import annotations

import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from tests.support import needs
from tests.support.local_server import LocalServer

WRITE: Final = "/api/v1/write"


class LocalPrometheus(LocalServer):
    """It scrapes nothing, and keeps to its defaults: no sample out of order."""

    @property
    def env(self) -> dict[str, str]:
        """The variables that switch telemetry on."""
        return {"PROMETHEUS_REMOTE_WRITE_URL": f"{self.url}{WRITE}"}

    def command(self) -> list[str]:
        """RuntimeError where it is not installed."""
        program = needs.NEEDS["prometheus"].find()
        if program is None:
            raise RuntimeError(f"prometheus is not installed, allowed: {needs.NEEDS['prometheus'].command}")
        config = self._folder / "prometheus.yml"
        config.write_text("global: {}\n")
        return [
            program,
            f"--config.file={config}",
            f"--storage.tsdb.path={self._folder}/data",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--web.enable-remote-write-receiver",
        ]

    def is_ready(self) -> bool:
        """It says so."""
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
