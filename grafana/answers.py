"""What a database answers to a dashboard's queries, in one shape for both: for the pictures.

A series is `{"tags", "columns", "values", "legend"}`: the first column is the time, Unix milliseconds.
"""

from __future__ import annotations

import json
import re
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from grafana.promql import fill_promql
from grafana.query import fill

Series = dict[str, Any]
Span = tuple[int, int]  # Unix milliseconds


class Source(Protocol):
    """A database that can be asked."""

    def ask(self, target: dict[str, Any], values: Mapping[str, str], span: Span) -> list[Series]:
        """The series of one panel's target."""

    def faults(self, values: Mapping[str, str], span: Span) -> list[datetime]:
        """When faults began and ended."""


class InfluxSource:
    """The database's InfluxQL door."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._url = env["INFLUXDB_V2_URL"]
        self._headers = {"Authorization": f"Token {env.get('INFLUXDB_V2_TOKEN', '')}"}
        self._database = env.get("RESILIENCE_DATABASE", "resilience")

    def ask(self, target: dict[str, Any], values: Mapping[str, str], span: Span) -> list[Series]:
        """The series of one panel's target."""
        return [
            {**series, "legend": _named(target.get("alias", ""), "$tag_{}", series.get("tags", {}))}
            for series in self._query(fill(target["query"], values, span, _step(span) * 1000))
        ]

    def faults(self, values: Mapping[str, str], span: Span) -> list[datetime]:
        """When faults began and ended."""
        query = 'SELECT "title" FROM "faults" WHERE "run" =~ /^$run$/ AND $timeFilter'
        return [as_time(row[0]) for one in self.ask({"query": query}, values, span) for row in one["values"]]

    def _query(self, text: str) -> list[Series]:
        form = {"q": text, "db": self._database, "epoch": "ms"}
        data = urllib.parse.urlencode(form).encode()
        request = urllib.request.Request(f"{self._url}/query", data, self._headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            found: list[Series] = json.load(answer)["results"][0].get("series", [])
        return found


class PromSource:
    """Prometheus' query API at a URL."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    def ask(self, target: dict[str, Any], values: Mapping[str, str], span: Span) -> list[Series]:
        """The series of one panel's target."""
        step, (start, end) = _step(span), (one / 1000 for one in span)
        query = fill_promql(target["expr"], values, int(end - start), step)
        if target.get("instant"):
            return [_last(target, one) for one in self._query("query", query=query, time=end)]
        found = self._query("query_range", query=query, start=start, end=end, step=step)
        return [_over_time(target, one) for one in found]

    def faults(self, values: Mapping[str, str], span: Span) -> list[datetime]:
        """When faults began and ended."""
        expr = (
            '1000 * last_over_time(resilience_event_timestamp_seconds{run=~"$run", kind="fault"}[$__range])'
        )
        found = self.ask({"expr": expr, "instant": True}, values, span)
        return [as_time(int(series["values"][0][1])) for series in found]

    def _query(self, kind: str, **form: Any) -> Iterator[dict[str, Any]]:
        data = urllib.parse.urlencode(form).encode()
        with urllib.request.urlopen(f"{self._url}/api/v1/{kind}", data, timeout=30) as answer:
            yield from json.load(answer)["data"]["result"]


def _last(target: dict[str, Any], found: dict[str, Any]) -> Series:
    """One value; of what is only words, the words."""
    labels, (t, value) = found["metric"], found["value"]
    legend = _named(target.get("legendFormat", ""), "{{{{{}}}}}", labels)
    if "_info{" in target["expr"]:
        return {"columns": ["time", *labels], "values": [[t * 1000, *labels.values()]], "legend": legend}
    return {
        "tags": labels, "columns": ["time", legend or "value"], "values": [[t * 1000, float(value)]],
        "legend": legend,
    }  # fmt: skip


def _over_time(target: dict[str, Any], found: dict[str, Any]) -> Series:
    legend = _named(target.get("legendFormat", ""), "{{{{{}}}}}", found["metric"])
    values = [[t * 1000, None if value == "NaN" else float(value)] for t, value in found["values"]]
    return {"tags": found["metric"], "columns": ["time", "value"], "values": values, "legend": legend}


def _named(legend: str, place: str, tags: Mapping[str, str]) -> str:
    for tag, value in tags.items():
        legend = legend.replace(place.format(tag), value)
    return re.sub(r"\{\{\w+\}\}", "", legend)


def _step(span: Span) -> int:
    """Seconds between two values: some 120 of them."""
    return max((span[1] - span[0]) // 120 // 1000, 1)


def as_time(milliseconds: float) -> datetime:
    """A moment of a series."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
