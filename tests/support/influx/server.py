"""The real InfluxDBs of the tests; where one is missing, so are its tests (`tests.support.needs`)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from telemetry.influx.local_influx import LocalInflux
from tests.support import needs
from tests.support.influx.second import NEED, SecondInflux

VERSIONS: Final = ("1.8", "2")


@contextmanager
def influx(folder: Path, version: str = "1.8", user: str = "", password: str = "") -> Iterator[LocalInflux]:
    """A running server of a version. 1.8 wants no token but that of a user, if there is one; 2 its own."""
    needs.require("influxd" if version == "1.8" else NEED)
    server = LocalInflux(folder, user=user, password=password) if version == "1.8" else SecondInflux(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()
