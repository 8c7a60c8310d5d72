"""Dashboard and provisioning files: generated, whole, told in plain words."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.alerting import Rule
from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana import target_panels
from grafana.alerts import ALERTS
from grafana.boards import BOARDS
from grafana.build import ROOT, files
from grafana.promql import PROM_UID, fill_promql
from grafana.query import UID, fill
from grafana.read import PROM_BOARDS, Asked, boards, panels
from verdicts.plan import rules
from verdicts.points import slow_calls

OWN = {"timeFilter", "__interval", "__interval_ms", "__range", "__rate_interval"}
PANELS = [*panels(), *panels(PROM_BOARDS)]
PLUGINS_OWN = ("expr", "useValueForTime", "titleFormat", "textFormat", "tagKeys", "step")
ALL = {**boards(), **boards(PROM_BOARDS)}


def test_the_files_are_what_the_code_makes() -> None:
    for name, text in files().items():
        assert (ROOT / name).read_text() == text, f"{name}: run python -m grafana.build"


def test_no_file_is_left_from_a_dashboard_that_is_gone() -> None:
    written = {path.relative_to(ROOT) for path in ROOT.rglob("*") if path.suffix in {".json", ".yaml"}}
    assert written == set(files())


@pytest.mark.parametrize("board", ALL.values(), ids=ALL)
def test_every_key_is_one_of_the_published_model(board: dict[str, object]) -> None:
    """The SDK is generated from Grafana's schema: what it reads and writes back unchanged is known to it."""
    register_default_plugins()
    read_back = json.loads(json.dumps(Dashboard.from_json(board), cls=JSONEncoder))
    ours = json.loads(json.dumps(board))
    for annotation in [*ours["annotations"]["list"], *read_back["annotations"]["list"]]:
        for key in ("target", *PLUGINS_OWN):
            annotation.pop(key, None)
    assert read_back == ours


@pytest.mark.parametrize("asked", PANELS, ids=lambda asked: asked.name)
def test_every_panel_explains_itself(asked: Asked) -> None:
    panel = asked.panel
    assert len(panel["description"]) > 30
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"][0]["value"] is None
    assert panel["datasource"]["uid"] == (PROM_UID if asked.board in boards(PROM_BOARDS) else UID)


@pytest.mark.parametrize("asked", PANELS, ids=lambda asked: asked.name)
def test_every_query_keeps_to_the_boards_variables(asked: Asked) -> None:
    given = {one["name"] for one in ALL[asked.board]["templating"]["list"]}
    for query in asked.queries:
        used = set(re.findall(r"\$(\w+)", query)) - OWN
        assert used <= given
        assert used & {"run", "run_a", "run_b"} or asked.panel["title"] == "Runs"


def test_prometheus_has_every_panel_but_those_by_the_second_of_a_run() -> None:
    both = {uid.replace("resilience-prometheus-", "resilience-"): uid for uid in boards(PROM_BOARDS)}
    assert set(both) == set(boards()) == {board.uid for board in BOARDS}
    for uid, of_prometheus in both.items():
        ours, theirs = (
            [panel["title"] for panel in ALL[name]["panels"] if panel["type"] != "trend"]
            for name in (uid, of_prometheus)
        )
        assert [title for title in ours if title != "Over the run"] == theirs


def test_fill_promql_puts_values_where_grafana_does() -> None:
    text = 'rate(x{run=~"$run"}[$__rate_interval]) + y[$__range]'
    assert fill_promql(text, {"run": "burst.1"}, 60) == 'rate(x{run=~"burst\\\\.1"}[4s]) + y[60s]'
    with pytest.raises(KeyError):
        fill_promql("$nothing", {}, 1)


def test_ids_are_unique() -> None:
    for board in ALL.values():
        ids = [panel["id"] for panel in board["panels"]]
        assert len(ids) == len(set(ids))


def test_alerts_know_no_dashboard_variable() -> None:
    (group,) = provisioned("alerting")["groups"]
    assert len(group["rules"]) == 6
    for rule in group["rules"]:
        query = rule["data"][0]["model"]["query"]
        assert set(re.findall(r"\$\$?(\w+)", query)) == {"timeFilter"}
        assert "$timeFilter" not in query.replace("$$timeFilter", "")
        assert rule["condition"] == rule["data"][-1]["refId"] == "C"
        assert rule["data"][-1]["model"]["expression"] == rule["data"][-2]["refId"]
        assert rule["data"][0]["datasourceUid"] == UID


def test_what_alerts_count_is_parted_by_no_edge_of_the_clock() -> None:
    queries = [rule["data"][0]["model"]["query"] for rule in provisioned("alerting")["groups"][0]["rules"]]
    counted = [query for query in queries if "spread(" in query]
    assert len(counted) == 2
    assert not [query for query in counted if "time(" in query]


def test_memory_is_alarming_where_a_run_fails_for_it() -> None:
    """The operator's 200 MB are megabytes, in an alert and on a panel as in a verdict."""
    (alert,) = [one for one in ALERTS if one.uid == "memory"]
    assert alert.above == target_panels.MEMORY.warn == rules.MEMORY_ALERT == slow_calls.MEMORY_ALERT


def test_alert_rules_hold_against_the_published_model() -> None:
    register_default_plugins()
    for rule in provisioned("alerting")["groups"][0]["rules"]:
        read_back = json.loads(json.dumps(Rule.from_json(rule), cls=JSONEncoder))
        assert {key: value for key, value in read_back.items() if key in rule} == rule
        assert set(read_back) - set(rule) == {"folderUID", "orgID", "ruleGroup"}  # the group says these


def test_no_secret_stands_in_the_data_source() -> None:
    (source,) = provisioned("datasources")["datasources"]
    assert source["uid"] == UID
    assert source["secureJsonData"] == {"httpHeaderValue1": "Token $INFLUXDB_V2_TOKEN"}


def provisioned(kind: str) -> dict[str, list[dict[str, Any]]]:
    (path,) = (Path(ROOT) / "provisioning" / kind).iterdir()
    found: dict[str, list[dict[str, Any]]] = yaml.safe_load(path.read_text())
    return found


def test_fill_puts_values_where_grafana_does() -> None:
    text = 'WHERE "run" =~ /^$run$/ AND $timeFilter GROUP BY time($__interval) * 1000 / $__interval_ms'
    filled = fill(text, {"run": "burst.1/2"}, (1, 2), 5000)
    assert filled == (
        'WHERE "run" =~ /^burst\\.1\\/2$/ AND time >= 1ms AND time <= 2ms GROUP BY time(5000ms) * 1000 / 5000'
    )


def test_fill_refuses_an_unknown_variable() -> None:
    with pytest.raises(KeyError):
        fill("$nothing", {}, (0, 1))
