"""The real InfluxDB of the tests: absent on a user's machine, the test is skipped; in CI it fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from telemetry.influx.local_influx import LocalInflux
from tests.support import needs


@contextmanager
def influx(folder: Path, user: str = "", password: str = "") -> Iterator[LocalInflux]:
    """A running server."""
    needs.require("influxd")
    server = LocalInflux(folder, user=user, password=password)
    server.start()
    try:
        yield server
    finally:
        server.stop()
