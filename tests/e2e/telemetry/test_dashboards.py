"""Every panel's query, and every alert's, gives data on a real InfluxDB of each version after a run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from grafana.alerts import ALERTS
from grafana.build import ROOT
from grafana.query import fill
from grafana.read import Asked, boards, panels
from telemetry.delivery.sender import deliver
from telemetry.delivery.spool import Spool
from telemetry.exporter import process as exporter_process
from telemetry.influx.client import InfluxSink, Settings
from telemetry.influx.local_influx import LocalInflux
from tests.support.influx.run_writer import RunWriter
from tests.support.influx.server import VERSIONS, influx
from tests.support.plan_folder import found, point

pytestmark = pytest.mark.e2e
SECONDS = 130
VARIABLES = {"scenario": ".*", "run": "first", "worker": ".*", "run_a": "first", "run_b": "second"}


@dataclass(frozen=True)
class Stored:
    """A server with two runs."""

    server: LocalInflux
    span_ms: tuple[int, int]

    def rows(self, query: str) -> int:
        """How many values of a query are values."""
        series = self.server.query(fill(query, VARIABLES, self.span_ms))
        return sum(value is not None for one in series for row in one["values"] for value in row[1:])


@pytest.fixture(scope="module", params=VERSIONS)
def stored(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    folder = tmp_path_factory.mktemp("dashboards")
    with influx(folder / "influx", request.param) as server:
        env = {**os.environ, **server.env, "RESILIENCE_SPOOL": str(folder / "spool")}
        for name in ("first", "second"):
            write(RunWriter(folder / name, rate=20), env)
        start = json.loads((folder / "first" / "run.json").read_text())["start_wall"]
        yield Stored(server, (int(start * 1000) - 1000, int(start * 1000) + 1000 * (SECONDS + 10)))


def write(run: RunWriter, env: dict[str, str]) -> None:
    run.event(0.0, "run", "start")
    run.event(2.0, "fault", "upstream-stall", target="notion")
    for second in range(SECONDS):
        run.second(second)
    verdicts = found([point("P1.5", 40.0, unit="req/s")], duration_s=SECONDS)
    (run.run_dir / "verdicts.json").write_text(json.dumps(verdicts))
    again = [sys.executable, "-m", "telemetry.exporter", "--run", str(run.run_dir)]
    subprocess.run(again, env=env, check=True, capture_output=True, timeout=60)
    exporter_process.send_verdict(run.run_dir, env, 30)


@pytest.mark.parametrize("asked", list(panels()), ids=lambda asked: asked.name)
def test_every_panel_has_data(stored: Stored, asked: Asked) -> None:
    for query in asked.queries:
        assert stored.rows(query), query


def test_every_variable_and_annotation_has_data(stored: Stored) -> None:
    for board in boards().values():
        for variable in board["templating"]["list"]:
            assert stored.rows(variable["query"]), variable["query"]
        for annotation in (board.get("annotations") or {}).get("list", []):
            assert stored.rows(annotation["target"]["query"]), annotation["target"]["query"]


def test_every_alert_has_data(stored: Stored) -> None:
    (path,) = (ROOT / "provisioning" / "alerting").iterdir()
    for rule in yaml.safe_load(path.read_text())["groups"][0]["rules"]:
        query = rule["data"][0]["model"]["query"].replace("$$", "$")
        assert stored.rows(query), rule["title"]


def test_failures_add_up_over_an_edge_of_the_clock(stored: Stored, tmp_path: Path) -> None:
    """One is counted 45 s and one 15 s before a whole two minutes, one 15 s after."""
    edge = 1_764_000_000 // 120 * 120
    line = "target,run=edge,source=origin-a,status=503 health_requests_total={} {}000000000"
    sink, spool = InfluxSink(Settings.needed(stored.server.env)), Spool(tmp_path / "queue")
    spool.append([line.format((t + 75) // 30, edge + t) for t in range(-75, 31)])
    assert deliver(sink, spool)[1] == 106
    sink.close()
    spool.close()
    (alert,) = [one for one in ALERTS if one.uid == "health"]
    end = (edge + 30) * 1000
    (series,) = stored.server.query(fill(alert.query, {}, (end - alert.window_s * 1000, end)))
    assert [value for _, value in series["values"]] == [3]
    assert alert.above < 3


def test_a_panel_without_data_would_be_seen(stored: Stored) -> None:
    assert not stored.rows('SELECT last("no_such_field") FROM "target" WHERE $timeFilter')


def test_the_overview_shows_the_ledgers_count(stored: Stored, tmp_path: Path) -> None:
    (asked,) = [one for one in panels() if one.name == "resilience-overview: Arrivals"]
    series = stored.server.query(fill(asked.queries[0], VARIABLES, stored.span_ms))
    planned, sent, dropped = series[0]["values"][0][1:4]
    (counts,) = [
        one for one in panels() if one.name == "resilience-overview: Calls by tool, status and result"
    ]
    rows = stored.server.query(fill(counts.queries[0], VARIABLES, stored.span_ms))
    assert sum(one["values"][0][1] for one in rows) == sent == planned - dropped
