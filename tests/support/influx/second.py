"""InfluxDB 2, as compose ships it, on loopback: where `python -m tests.support.influx.build_v2` has built it.

Its build wants Go, Rust and minutes: it is no part of what tests install. Where it is not there, they say so
and are skipped, also where nothing else may be missing: InfluxDB 1.8 stands for it then.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from telemetry.influx.local_influx import DATABASE, HOST, LocalInflux
from tests.support.influx.build_v2 import BUILT

MISSING: Final = "InfluxDB 2 was not built: python -m tests.support.influx.build_v2 (Go, Rust, minutes)"
TOKEN: Final = "a-token-of-the-tests"


class SecondInflux(LocalInflux):
    """The same to its users; bucket and organisation are `resilience`, and it wants a token."""

    @property
    def _token(self) -> str:
        return TOKEN

    @property
    def env(self) -> dict[str, str]:
        """The variables that switch telemetry on."""
        return {
            "INFLUXDB_V2_URL": self.url,
            "INFLUXDB_V2_TOKEN": TOKEN,
            "INFLUXDB_V2_ORG": DATABASE,
            "INFLUXDB_V2_BUCKET": DATABASE,
        }

    def _command(self) -> list[str]:
        places = {"bolt-path": "meta.bolt", "sqlite-path": "meta.sqlite", "engine-path": "engine"}
        options = [f"--{option}={self._folder / name}" for option, name in places.items()]
        told = (f"--http-bind-address={HOST}:{self.port}", "--reporting-disabled", "--log-level=error")
        return [str(BUILT), *options, *told]

    def _prepare(self) -> None:
        self._wait()
        if self._ask("GET")["allowed"]:  # once
            self._ask("POST", username="tests", password=TOKEN, org=DATABASE, bucket=DATABASE, token=TOKEN)

    def _ask(self, method: str, **content: str) -> dict[str, Any]:
        body = json.dumps(content).encode() if content else None
        request = urllib.request.Request(f"{self.url}/api/v2/setup", body, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            found: dict[str, Any] = json.load(answer)
        return found


@contextmanager
def second_influx(folder: Path) -> Iterator[SecondInflux]:
    """A running server; the test that asks is skipped where there is none."""
    if not BUILT.is_file():
        pytest.skip(MISSING)
    server = SecondInflux(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()
