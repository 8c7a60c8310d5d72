"""Every panel's query, every variable's and annotation's, gives data on a real Prometheus after a run."""

from __future__ import annotations

import json
import os
import re
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from grafana.promql import fill_promql
from grafana.read import PROM_BOARDS, Asked, boards, panels
from tests.e2e.telemetry.test_dashboards import SECONDS, VARIABLES, write
from tests.support.influx.run_writer import RunWriter
from tests.support.prometheus.server import LocalPrometheus, prometheus

pytestmark = pytest.mark.e2e
VALUES = re.compile(r"label_values\((.*), (\w+)\)")
RANGE = SECONDS + 60


@dataclass(frozen=True)
class StoredSeries:
    """A server with two runs, the first from `start` on."""

    server: LocalPrometheus
    start: float

    def rows(self, target: dict[str, Any]) -> list[Any]:
        """What a panel's target, or an annotation's, shows."""
        expression = fill_promql(target["expr"], VARIABLES, RANGE)
        if target.get("instant"):
            return self.server.query(expression, self.start + RANGE)
        return self.server.query_range(expression, self.start, self.start + SECONDS)


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoredSeries]:
    folder = tmp_path_factory.mktemp("dashboards")
    with prometheus(folder / "prometheus") as server:
        env = {**os.environ, **server.env, "RESILIENCE_SPOOL": str(folder / "spool")}
        for name in ("first", "second"):
            write(RunWriter(folder / name, rate=20), env)
        start = json.loads((folder / "first" / "run.json").read_text())["start_wall"]
        yield StoredSeries(server, start)


@pytest.mark.parametrize("asked", list(panels(PROM_BOARDS)), ids=lambda asked: asked.name)
def test_every_panel_has_data(series: StoredSeries, asked: Asked) -> None:
    for target in asked.panel["targets"]:
        rows = series.rows(target)
        values = [value for row in rows for _, value in row.get("values", [row.get("value")])]
        assert [value for value in values if value != "NaN"], target["expr"]


def test_every_variable_and_annotation_has_data(series: StoredSeries) -> None:
    for board in boards(PROM_BOARDS).values():
        for variable in board["templating"]["list"]:
            found = VALUES.fullmatch(fill_promql(variable["query"], VARIABLES, RANGE))
            assert found is not None, variable["query"]
            given = urllib.parse.urlencode({"match[]": found[1]})
            with urllib.request.urlopen(
                f"{series.server.url}/api/v1/label/{found[2]}/values?{given}"
            ) as answer:
                assert json.load(answer)["data"], variable["query"]
        for annotation in (board.get("annotations") or {}).get("list", []):
            assert series.rows(annotation["target"]), annotation["target"]["expr"]


def test_a_panel_without_data_would_be_seen(series: StoredSeries) -> None:
    assert not series.rows({"expr": 'no_such_metric{run=~"$run"}'})


def test_a_fault_is_annotated_at_its_time(series: StoredSeries) -> None:
    board = boards(PROM_BOARDS)["resilience-prometheus-overview"]
    (faults,) = [one for one in board["annotations"]["list"] if one["name"] == "Faults"]
    (row,) = series.rows(faults["target"])
    assert row["metric"]["title"] == "upstream-stall"
    (value,) = {float(value) for _, value in row["values"]}
    assert value == pytest.approx(1000 * (series.start + 2.0), abs=1.0)
