"""InfluxDB 2, as compose ships it, on loopback: where it is built (`tests.support.needs`)."""

from __future__ import annotations

import json
import urllib.request
from typing import Any, Final

from telemetry.influx.local_influx import DATABASE, HOST, LocalInflux
from tests.support import needs

NEED: Final = "influxd2"
TOKEN: Final = "a-token-of-the-tests"


class SecondInflux(LocalInflux):
    """The same to its users; bucket and organisation are `resilience`, and it wants a token.

    Its InfluxQL is asked at the same path as that of 1.8, where a bucket's name stands for a database's.
    """

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
        return [needs.require(NEED), *options, *told]

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
