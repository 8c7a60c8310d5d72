"""A whole attack with telemetry on: each version of the database holds what the ledger and the report say.

A database that dies meanwhile: test_influx_export.py, of the exporter, which is a process of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from common.paths import ROOT
from grafana.query import fill
from grafana.read import panels
from telemetry.influx.local_influx import LocalInflux
from tests.support.influx.server import VERSIONS, influx

pytestmark = pytest.mark.e2e
COMMAND = (sys.executable, "-m", "cli", "attack")
# Panels of things that need not happen in a burst: nothing was refused, nothing failed.
QUIET = {"Refusals by reason", "Rate-limit hits", "KV failures", "Database errors", "Answers of the plan"}


@pytest.fixture(scope="module", params=VERSIONS)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalInflux]:
    with influx(tmp_path_factory.mktemp("influx"), request.param) as found:
        yield found


def environment(server: LocalInflux, tmp_path: Path) -> dict[str, str]:
    return {**os.environ, **server.env, "RESILIENCE_SPOOL": str(tmp_path / "spool")}


def value(server: LocalInflux, query: str) -> Any:
    return server.query(query)[0]["values"][0][1]


@pytest.mark.slow
def test_a_burst_is_stored_exactly(server: LocalInflux, tmp_path: Path) -> None:
    """At a rate at which the stack answers its scrapes also beside other tests: the panels need them."""
    out = tmp_path / "run"
    command = [*COMMAND, "burst", "--protect", "all", "--duration", "6s", "--rate", "1.5", "--out", str(out)]
    env = environment(server, tmp_path)
    done = subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=200
    )
    verdicts, errors = json.loads((out / "verdicts.json").read_text()), done.stderr
    assert verdicts["telemetry"]["spooled"] == verdicts["telemetry"]["dropped"] == 0, errors
    assert f"{verdicts['telemetry']['written']} written" in errors
    assert value(server, 'SELECT sum("count") FROM "requests"') == verdicts["arrivals"]["sent"]
    for name in ("p50", "p95", "p99", "max"):
        stored = value(server, f'SELECT last("run_{name}_ms") FROM "requests"')
        assert stored == pytest.approx(verdicts["response_ms"][name], rel=0.01), name
    assert value(server, 'SELECT last("verdict") FROM "run"') == verdicts["verdict"]
    assert_panels(server, out)


def assert_panels(server: LocalInflux, out: Path) -> None:
    start = json.loads((out / "run.json").read_text())["start_wall"]
    span = (int(start * 1000) - 1000, int(start * 1000) + 100_000)
    names = {"scenario": ".*", "run": "run", "worker": ".*", "run_a": "run", "run_b": "run"}
    for asked in panels():
        if asked.panel["title"] not in QUIET:
            for query in asked.queries:
                series = server.query(fill(query, names, span))
                assert any(cell is not None for one in series for row in one["values"] for cell in row[1:]), (
                    query
                )


def test_a_wrong_bucket_stops_the_attack_before_it_starts(server: LocalInflux, tmp_path: Path) -> None:
    out = tmp_path / "run"
    env = {**environment(server, tmp_path), "INFLUXDB_V2_BUCKET": "elsewhere/autogen"}
    command = [*COMMAND, "burst", "--duration", "2s", "--out", str(out)]
    done = subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=200
    )
    assert done.returncode == 2
    (line,) = [line for line in done.stderr.splitlines() if "INFLUXDB_V2_BUCKET" in line]
    assert line.startswith("environment: INFLUXDB_V2_BUCKET: 'elsewhere/autogen' is not at ")
    assert not list(out.glob("samples-*"))
