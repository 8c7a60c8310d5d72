"""The real InfluxDB of the tests: absent on a user's machine, the test is skipped; in CI it fails."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from telemetry.influx.local_influx import INSTALL, LocalInflux, find


@contextmanager
def influx(folder: Path, user: str = "", password: str = "") -> Iterator[LocalInflux]:
    """A running server."""
    if find() is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(
            f"influxd is not installed: {INSTALL}"
        )
    server = LocalInflux(folder, user=user, password=password)
    server.start()
    try:
        yield server
    finally:
        server.stop()
