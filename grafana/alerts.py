"""The operator's six alerts (the plan's, with its numbers) as Grafana's provisioned rules.

A rule is asked for by Grafana's server, so no dashboard variable may stand in it: it looks at every run
and source, and tells them apart by label. The thresholds are the target's alerts, not the run's verdict.

A count is one over the whole window, which ends now: buckets of the clock would part what belongs together.
What a series says first is not in it: a counter that begins with what is counted has that too few.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from grafana_foundation_sdk.builders import alerting, expr
from grafana_foundation_sdk.models import alerting as models
from grafana_foundation_sdk.models.dashboard import DataSourceRef

from grafana.load_panels import P95_LIMIT_MS, SHARE_5XX
from grafana.query import UID, Query, TargetBuilder
from grafana.target_panels import MEMORY_ALERT, NANO_SHARE

EVERY_S: Final = 30
FOLDER: Final = "Resilience"
_EXPRESSION: Final = DataSourceRef(type_val="__expr__", uid="__expr__")


@dataclass(frozen=True)
class Alert:
    """Fires when the last value of `query`, over the past `window_s`, stays above `above` for `hold`."""

    uid: str
    title: str
    summary: str
    query: str
    above: float
    window_s: int = 60
    hold: str = "0s"


ALERTS: Final = (
    Alert(
        "cpu",
        "CPU above 80 % for 5 minutes",
        "The nano's (modelled) CPU is above 80 % of its 0.1 vCPU.",
        f'SELECT non_negative_derivative(last("mcpist_nano_cpu_seconds_total"), '
        f'1s) / {NANO_SHARE} FROM "target" '
        'WHERE $timeFilter GROUP BY time(10s), "run", "source" fill(none)',
        0.8,
        hold="5m",
    ),
    Alert(
        "memory",
        "Memory above 200 MB",
        "The origin's memory (of one in Python modelled) is above 200 MB; at 256 MB it is killed.",
        'SELECT last("mcpist_memory_bytes") FROM "target" WHERE $timeFilter '
        'GROUP BY time(10s), "run", "source" '
        "fill(none)",
        MEMORY_ALERT,
    ),
    Alert(
        "p95",
        "p95 above 2 s",
        "The 95th percentile of successful calls is above 2 seconds.",
        'SELECT max("p95_ms") FROM "requests" WHERE $timeFilter GROUP BY time(10s), "run" fill(none)',
        P95_LIMIT_MS,
    ),
    Alert(
        "errors",
        "5xx above 5 %",
        "More than 5 % of the answers are 5xx.",
        'SELECT sum("status_5xx") / sum("calls") FROM "requests" WHERE $timeFilter GROUP BY time(60s), "run" '
        "fill(none)",
        SHARE_5XX,
        window_s=120,
    ),
    Alert(
        "health",
        "/health fails 3 times",
        "Three health checks failed; they come every 30 s.",
        'SELECT spread("health_requests_total") FROM "target" WHERE "status" !~ /^2/ AND $timeFilter '
        'GROUP BY "run", "source"',
        2.0,
        window_s=120,
    ),
    Alert(
        "limits",
        "More than 100 rate-limit hits a minute",
        "Protections refuse more than 100 calls a minute.",
        'SELECT sum("hits") FROM (SELECT '
        'spread("mcpist_rate_limit_hits_total") AS "hits" FROM "target" WHERE '
        '$timeFilter GROUP BY "run", "source", "limit") WHERE '
        '$timeFilter GROUP BY "run"',
        100.0,
    ),
)


def provisioning() -> dict[str, Any]:
    """The alerting provisioning file."""
    rules = [_rule(alert) for alert in ALERTS]
    group = {"orgId": 1, "name": "operator", "folder": FOLDER, "interval": f"{EVERY_S}s", "rules": rules}
    return {"apiVersion": 1, "groups": [group]}


def _rule(alert: Alert) -> dict[str, Any]:
    rule = (
        alerting.Rule(alert.title)
        .uid(f"resilience-{alert.uid}")
        .condition("C")
        .for_val(alert.hold)
        .no_data_state("OK")
        .exec_err_state("Error")
        .annotations({"summary": alert.summary})
        .labels({"plan": "operator"})
        .queries([_data(alert), _last(alert), _above(alert)])
        .build()
        .to_json()
    )
    place = ("folderUID", "orgID", "ruleGroup")  # said by the group that holds the rule
    return {key: value for key, value in rule.items() if key not in place}


def _data(alert: Alert) -> alerting.Query:
    return (
        _query("A", alert)
        .datasource_uid(UID)
        .model(TargetBuilder("A", Query(alert.query.replace("$", "$$"))))
    )


def _last(alert: Alert) -> alerting.Query:
    reduce = expr.TypeReduce().ref_id("B").datasource(_EXPRESSION).expression("A").reducer("last")
    return _query("B", alert).datasource_uid("__expr__").model(reduce)


def _above(alert: Alert) -> alerting.Query:
    evaluator = expr.ExprTypeThresholdConditionsEvaluator().type("gt").params([alert.above])
    condition = expr.ExprTypeThresholdConditions().evaluator(evaluator)
    threshold = expr.TypeThreshold().ref_id("C").datasource(_EXPRESSION).expression("B")
    return _query("C", alert).datasource_uid("__expr__").model(threshold.conditions([condition]))


def _query(ref: str, alert: Alert) -> alerting.Query:
    span = models.RelativeTimeRange(from_val=alert.window_s, to=0)
    return alerting.Query(ref).relative_time_range(span)
