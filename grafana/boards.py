"""The dashboards: which panels, in which rows, with which variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard as models

from grafana import compare_panels as compare
from grafana import load_panels as load
from grafana import target_panels as target
from grafana.panel import Panel, build
from grafana.promql import PROM_SOURCE, counted
from grafana.query import RUN, SOURCE

Rows = Mapping[str, tuple[Panel, ...]]
ARRIVED: Final = (load.VERDICT, load.LEDGER, load.LATE, load.DROPPED, load.RATES, load.IN_FLIGHT)
CAME_BACK: Final = (load.RESPONSE, load.RESULTS)
TAGS: Final = {False: "resilience", True: "resilience-prometheus"}  # of dashboards that link to each other


@dataclass(frozen=True)
class Board:
    """One dashboard; `compares`: its variables are two runs."""

    uid: str
    title: str
    description: str
    rows: Rows
    compares: bool = False


BOARDS: Final = (
    Board(
        "resilience-overview",
        "Overview",
        "Did the attack arrive, and what came back.",
        {
            "Did the attack arrive?": (*ARRIVED, load.START_DELAY, load.RUNS),
            "What came back?": (
                load.RUN_PERCENTILES,
                load.RESPONSE,
                load.RESULTS,
                load.SHARES,
                load.STATUSES,
                load.TOOLS,
                load.OVERHEAD,
                load.COUNTS,
            ),
            "Answers": (load.ANSWERS,),
        },
    ),
    Board(
        "resilience-target",
        "Target",
        "What the target says of itself: origin, edge, KV, database, upstreams.",
        {
            "Processes": (
                target.UP,
                target.REQUESTS,
                target.PROCESS_CPU,
                target.REFUSED,
                target.LIMIT_HITS,
                target.HEALTH,
            ),
            "Origin": (
                target.ORIGIN_IN_FLIGHT,
                target.GOROUTINES,
                target.MEMORY,
                target.NANO_CPU,
                target.NANO_STATE,
                target.BREAKER,
            ),
            "Edge and KV": (
                target.KV,
                target.KV_USED,
                target.KV_FAILURES,
                target.JWKS,
                target.JWT_CPU,
                target.LB_STATE,
                target.LB_SPLIT,
            ),
            "Database": (
                target.DB_CONNECTIONS,
                target.DB_SERVER,
                target.DB_TIME,
                target.DB_ERRORS,
                target.CREDITS,
            ),
            "Upstreams": (target.UPSTREAM_IN_FLIGHT, target.UPSTREAM_CALLS),
        },
    ),
    Board(
        "resilience-compare",
        "Compare two runs",
        "Two runs laid over each other: a protection off and on, say.",
        {
            "Over the run": (compare.MEDIAN, compare.RESPONSE, compare.GOOD, compare.BAD),
            "In sum": (compare.SUMMARY, compare.ENDINGS, compare.ANSWERS),
        },
        compares=True,
    ),
    Board(
        "resilience-concurrency",
        "Scenarios agent-loop, slow-api",
        "P0.1 to P0.3: slow calls, goroutines, memory.",
        {
            "Slow calls at once": (
                load.RATES,
                load.IN_FLIGHT,
                target.ORIGIN_IN_FLIGHT,
                target.UPSTREAM_IN_FLIGHT,
            ),
            "What they cost": (
                target.GOROUTINES,
                target.MEMORY,
                target.NANO_CPU,
                target.NANO_STATE,
                *CAME_BACK,
            ),
        },
    ),
    Board(
        "resilience-upstream-outage",
        "Scenario upstream-outage",
        "P0.4: does an outage cascade, what the breaker changes.",
        {
            "The outage": (target.UPSTREAM_CALLS, target.UPSTREAM_IN_FLIGHT, target.BREAKER),
            "Who suffers": (load.TOOLS, load.RESULTS, target.ORIGIN_IN_FLIGHT, load.RESPONSE),
        },
    ),
    Board(
        "resilience-kv-exhaustion",
        "Scenario kv-exhaustion",
        "P1.1 to P1.4: past the KV quota.",
        {
            "The quota": (target.KV, target.KV_USED, target.KV_FAILURES, target.REFUSED),
            "What it does": (target.REQUESTS, target.ORIGIN_IN_FLIGHT, *CAME_BACK),
        },
    ),
    Board(
        "resilience-burst",
        "Scenarios burst, single-burst, rate-limit",
        "P1.5 to P1.8, F1.1, F1.2: limits under a burst.",
        {
            "The burst": (*ARRIVED, *CAME_BACK),
            "What the origin sees": (
                target.REQUESTS,
                target.REFUSED,
                target.NANO_CPU,
                target.MEMORY,
                load.SHARES,
            ),
        },
    ),
    Board(
        "resilience-db-pool",
        "Scenario db-pool",
        "P1.9 to P1.11: connections, the error at exhaustion, recovery.",
        {
            "The pool": (target.DB_CONNECTIONS, target.DB_SERVER, target.DB_TIME, target.DB_ERRORS),
            "What it does": (target.CREDITS, load.SHARES, *CAME_BACK),
        },
    ),
    Board(
        "resilience-failover",
        "Scenarios failover, health",
        "P3.1 to P3.3, F1.3: detection, the split, the rate limit's error.",
        {
            "Who serves": (target.HEALTH, target.LB_STATE, target.LB_SPLIT, target.UP),
            "What it does": (target.REQUESTS, target.REFUSED, *CAME_BACK),
        },
    ),
    Board(
        "resilience-invalid-jwt",
        "Scenario invalid-jwt",
        "P3.4 to P3.6: the price of a bad token, and the JWKS cache.",
        {
            "The edge": (target.JWT_CPU, target.JWKS, target.REQUESTS, load.STATUSES),
            "What came back": (load.RATES, load.RESULTS),
        },
    ),
)


def made(board: Board, *, prom: bool = False) -> models.Dashboard:
    """The dashboard of the SDK; `prom`: it asks Prometheus, with the panels that can be asked there."""
    found = (
        builders.Dashboard(board.title)
        .uid(prom_uid(board) if prom else board.uid)
        .description(board.description)
        .tags([TAGS[prom]])
        .timezone("browser")
        .time("now-30m", "now")
        .refresh("5s")
        .readonly()
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .variables(_two_runs(prom) if board.compares else _variables(prom))
        .annotations([] if board.compares else _annotations(prom))
        .link(
            builders.DashboardLink("Resilience")
            .type(models.DashboardLinkType.DASHBOARDS)
            .tags([TAGS[prom]])
            .as_dropdown(True)
            .keep_time(True)
            .include_vars(True)
        )
    )
    number = count(1)
    for title, panels in board.rows.items():
        there = [panel for panel in panels if panel.prom or not prom]
        if there:
            found.with_row(builders.Row(title).id(next(number)))
        for panel in there:
            found.with_panel(build(panel, next(number), prom=prom))
    return found.build()


def prom_uid(board: Board) -> str:
    """What the dashboard is called that asks Prometheus."""
    return board.uid.replace("resilience-", "resilience-prometheus-", 1)


def _variable(name: str, label: str, query: str, *, prom: bool) -> Any:
    return (
        builders.QueryVariable(name)
        .label(label)
        .datasource(PROM_SOURCE if prom else SOURCE)
        .query(query)
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_DESC)
    )


def _values(tag: str, *where: str, prom: bool) -> str:
    """The values of a tag; `where` are names of variables that narrow them."""
    if prom:
        matchers = ", ".join(f'{name}=~"${name}"' for name in where)
        return f"label_values({counted('sent')}{{{matchers}}}, {tag})"
    narrowed = " AND ".join(f'"{name}" =~ /^${name}$/' for name in where)
    query = f'SHOW TAG VALUES FROM "arrivals" WITH KEY = "{tag}"'
    return f"{query} WHERE {narrowed}" if narrowed else query


def _variables(prom: bool) -> list[Any]:
    every = _variable("scenario", "Scenario", _values("scenario", prom=prom), prom=prom)
    workers = _variable("worker", "Worker", _values("worker", "run", prom=prom), prom=prom)
    return [
        every.include_all(True).all_value(".*"),
        _variable("run", "Run", _values("run", "scenario", prom=prom), prom=prom),
        workers.include_all(True).all_value(".*").multi(True),
    ]


def _two_runs(prom: bool) -> list[Any]:
    return [
        _variable(name, f"Run {letter}", _values("run", prom=prom), prom=prom)
        for letter, name in compare.RUNS.items()
    ]


class _Annotation(models.AnnotationQuery):
    """The SDK knows Grafana's own annotations; InfluxQL's have a query and the columns to show."""

    def __init__(self, name: str, color: str, measurement: str) -> None:
        super().__init__(name=name, datasource=SOURCE, enable=True, icon_color=color)
        self._query = f'SELECT "title", "text", "kind" FROM "{measurement}" WHERE {RUN}'

    def to_json(self) -> dict[str, Any]:
        """Its JSON, with those."""
        columns = {"titleColumn": "title", "textColumn": "text", "tagsColumn": "kind", "timeEndColumn": ""}
        query = {"refId": "Anno", "query": self._query, "queryType": "tags", "rawQuery": True}
        return {**super().to_json(), "target": {**query, "fromAnnotations": True, **columns}}


class _PromAnnotation(models.AnnotationQuery):
    """Prometheus' have an expression whose value is the time, and labels to show."""

    def __init__(self, name: str, color: str, kinds: str) -> None:
        super().__init__(name=name, datasource=PROM_SOURCE, enable=True, icon_color=color)
        self._expr = f'1000 * resilience_event_timestamp_seconds{{{RUN.prom}, kind=~"{kinds}"}}'

    def to_json(self) -> dict[str, Any]:
        """Its JSON, with those."""
        shown = {"titleFormat": "{{title}}", "textFormat": "{{text}}", "tagKeys": "kind", "step": "1s"}
        query = {"refId": "Anno", "expr": self._expr, "interval": "1s"}
        return {**super().to_json(), "target": query, "expr": self._expr, "useValueForTime": True, **shown}


@dataclass(frozen=True)
class _Builder(Builder[models.AnnotationQuery]):
    """What the dashboard's builder takes."""

    made: models.AnnotationQuery

    def build(self) -> models.AnnotationQuery:
        """The annotation."""
        return self.made


def _annotations(prom: bool) -> list[Builder[models.AnnotationQuery]]:
    if prom:
        faults = _PromAnnotation("Faults", "red", "fault|control")
        return [_Builder(faults), _Builder(_PromAnnotation("Run", "blue", "run|phase|state|verdict"))]
    return [_Builder(_Annotation("Faults", "red", "faults")), _Builder(_Annotation("Run", "blue", "run"))]
