"""InfluxQL of the panels, and what Grafana makes of it before it asks.

Every query keeps to what InfluxDB 1.8, 2 and 3 all speak. `$run` and its like are the dashboard's
variables, `$timeFilter`, `$__interval` and `$__interval_ms` Grafana's own; `fill` puts values in their
place, as Grafana does, for the tests and the pictures.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.dashboard import DataSourceRef

UID: Final = "resilience-influx"
SOURCE: Final = DataSourceRef(type_val="influxdb", uid=UID)
RUN: Final = '"run" =~ /^$run$/ AND $timeFilter'
WORKER: Final = f'{RUN} AND "worker" =~ /^$worker$/'
LONGEST: Final = 200  # characters of a variable's value
EACH: Final = "GROUP BY time($__interval)"


@dataclass(frozen=True)
class Query:
    """One query. `name` is the legend: text, `$tag_x` or `$col`; `table` gives rows, not series over time."""

    text: str
    name: str = ""
    table: bool = False


class PanelTarget(Dataquery):
    """A query as a dashboard's JSON holds it."""

    def __init__(self, ref: str, query: Query) -> None:
        self._ref, self._query = ref, query

    def to_json(self) -> dict[str, Any]:
        """The JSON of Grafana's InfluxDB data source, InfluxQL mode."""
        return {
            "refId": self._ref,
            "datasource": SOURCE,
            "rawQuery": True,
            "query": self._query.text,
            "resultFormat": "table" if self._query.table else "time_series",
            **({"alias": self._query.name} if self._query.name else {}),
        }


class TargetBuilder(Builder[Dataquery]):
    """What panel builders take."""

    def __init__(self, ref: str, query: Query) -> None:
        self._target = PanelTarget(ref, query)

    def build(self) -> Dataquery:
        """The target."""
        return self._target


def fill(text: str, variables: Mapping[str, str], span_ms: tuple[int, int], interval_ms: int = 1000) -> str:
    """The query with every variable in its place; KeyError for a variable that is not given.

    Values stand in regular expressions, so what means something there is escaped; `.*` stays as it is.
    ValueError, with one line, for a value that no run, scenario or worker can be called.
    """
    began, ended = span_ms
    own = {
        "timeFilter": f"time >= {began}ms AND time <= {ended}ms",
        "__interval": f"{interval_ms}ms",
        "__interval_ms": str(interval_ms),
    }
    values = {name: _literal(name, value) for name, value in variables.items()} | own
    return re.sub(r"\$(\w+)", lambda found: values[found[1]].replace("/", r"\/"), text)


def _literal(name: str, value: object) -> str:
    """A value as it stands in a regular expression."""
    if not (isinstance(value, str) and value.isprintable() and 0 < len(value) <= LONGEST):
        raise ValueError(f"variable {name}: {value!r:.60}, allowed: 1 to {LONGEST} printable characters")
    return value if value == ".*" else re.escape(value)


def rate(field: str, where: str, *tags: str, measurement: str = "target", name: str = "") -> Query:
    """How fast a counter rises, per second, for each value of `tags`."""
    by = "".join(f', "{tag}"' for tag in tags)
    text = (
        f'SELECT non_negative_derivative(last("{field}"), 1s) FROM "{measurement}" WHERE {where} {EACH}{by}'
    )
    return Query(f"{text} fill(none)", name or " ".join(f"$tag_{tag}" for tag in tags) or field)


def last(field: str, where: str, *tags: str, measurement: str = "target", name: str = "") -> Query:
    """A gauge over time, for each value of `tags`."""
    by = "".join(f', "{tag}"' for tag in tags)
    text = f'SELECT last("{field}") FROM "{measurement}" WHERE {where} {EACH}{by} fill(none)'
    return Query(text, name or " ".join(f"$tag_{tag}" for tag in tags) or field)


def over_workers(field: str, name: str, *, speed: bool = False) -> Query:
    """A ledger's figure, added up over workers; `speed`: how fast it rises, per second."""
    found = f'last("{field}")'
    inner = f"non_negative_derivative({found}, 1s)" if speed else found
    per_worker = f'SELECT {inner} AS "v" FROM "arrivals" WHERE {WORKER} {EACH}, "worker" fill(none)'
    return Query(f'SELECT sum("v") FROM ({per_worker}) WHERE $timeFilter {EACH} fill(none)', name)


def final(*fields: str) -> Query:
    """The last figures of the ledgers, added up over workers: a row, one column a field."""
    return Query(f"SELECT {_sums(fields)} FROM ({_last(fields)})", table=True)


def final_share(part: str, whole: str) -> Query:
    """One of these figures as a share of another."""
    return Query(
        f'SELECT sum("{part}") / sum("{whole}") AS "{part}" FROM ({_last((part, whole))})', table=True
    )


def _sums(fields: Sequence[str]) -> str:
    return ", ".join(f'sum("{field}") AS "{field}"' for field in fields)


def _last(fields: Sequence[str]) -> str:
    columns = ", ".join(f'last("{field}") AS "{field}"' for field in fields)
    return f'SELECT {columns} FROM "arrivals" WHERE {WORKER} GROUP BY "worker"'
