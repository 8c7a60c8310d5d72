"""InfluxQL of the panels, and what Grafana makes of it before it asks; beside it the same as PromQL.

Every query keeps to what InfluxDB 1.8, 2 and 3 all speak. `$run` and its like are the dashboard's
variables, `$timeFilter`, `$__interval` and `$__interval_ms` Grafana's own; `fill` puts values in their
place, as Grafana does, for the tests and the pictures.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.dashboard import DataSourceRef

from grafana.promql import Prom, at_the_end, counted, gauge, metric, speed

UID: Final = "resilience-influx"
SOURCE: Final = DataSourceRef(type_val="influxdb", uid=UID)


class Where(str):
    """A condition in InfluxQL; `prom` is the same as PromQL's matchers."""

    prom: str

    def __new__(cls, influx: str, prom: str) -> Where:
        """Text that is the InfluxQL."""
        made = super().__new__(cls, influx)
        made.prom = prom
        return made


RUN: Final = Where('"run" =~ /^$run$/ AND $timeFilter', 'run=~"$run"')
WORKER: Final = Where(f'{RUN} AND "worker" =~ /^$worker$/', f'{RUN.prom}, worker=~"$worker"')
LONGEST: Final = 200  # characters of a variable's value
EACH: Final = "GROUP BY time($__interval)"


@dataclass(frozen=True)
class Query:
    """One query. `name` is the legend: text, `$tag_x` or `$col`; `table` gives rows, not series over time.

    `prom` is the same for Prometheus, none where it cannot be asked; without a legend it has `name`.
    """

    text: str
    name: str = ""
    table: bool = False
    prom: tuple[Prom, ...] = ()

    def prometheus(self) -> Iterator[Prom]:
        """The queries for Prometheus."""
        legend = re.sub(r"\$tag_(\w+)", r"{{\1}}", self.name)
        for one in self.prom:
            yield one if one.legend else replace(one, legend=legend)


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


def rate(field: str, where: Where, *tags: str, measurement: str = "target", name: str = "") -> Query:
    """How fast a counter rises, per second, for each value of `tags`."""
    by = "".join(f', "{tag}"' for tag in tags)
    text = (
        f'SELECT non_negative_derivative(last("{field}"), 1s) FROM "{measurement}" WHERE {where} {EACH}{by}'
    )
    prom = Prom(speed(metric(field), where.prom, *tags))
    return Query(f"{text} fill(none)", name or " ".join(f"$tag_{tag}" for tag in tags) or field, prom=(prom,))


def last(field: str, where: Where, *tags: str, measurement: str = "target", name: str = "") -> Query:
    """A gauge over time, for each value of `tags`."""
    by = "".join(f', "{tag}"' for tag in tags)
    text = f'SELECT last("{field}") FROM "{measurement}" WHERE {where} {EACH}{by} fill(none)'
    legend = name or " ".join(f"$tag_{tag}" for tag in tags) or field
    return Query(text, legend, prom=(gauge(field, where.prom, *tags),))


def over_workers(field: str, name: str, *, rising: bool = False) -> Query:
    """A ledger's figure, added up over workers; `rising`: how fast it rises, per second."""
    found = f'last("{field}")'
    inner = f"non_negative_derivative({found}, 1s)" if rising else found
    prom = speed(counted(field), WORKER.prom) if rising else f"sum({metric(field)}{{{WORKER.prom}}})"
    per_worker = f'SELECT {inner} AS "v" FROM "arrivals" WHERE {WORKER} {EACH}, "worker" fill(none)'
    return Query(
        f'SELECT sum("v") FROM ({per_worker}) WHERE $timeFilter {EACH} fill(none)', name, prom=(Prom(prom),)
    )


def final(*fields: str) -> Query:
    """The last figures of the ledgers, added up over workers: a row, one column a field."""
    prom = tuple(Prom(at_the_end(counted(name), WORKER.prom), name, "last") for name in fields)
    return Query(f"SELECT {_sums(fields)} FROM ({_last(fields)})", table=True, prom=prom)


def final_share(part: str, whole: str) -> Query:
    """One of these figures as a share of another."""
    over = " / ".join(at_the_end(counted(name), WORKER.prom) for name in (part, whole))
    text = f'SELECT sum("{part}") / sum("{whole}") AS "{part}" FROM ({_last((part, whole))})'
    return Query(text, table=True, prom=(Prom(over, part, "last"),))


def _sums(fields: Sequence[str]) -> str:
    return ", ".join(f'sum("{field}") AS "{field}"' for field in fields)


def _last(fields: Sequence[str]) -> str:
    columns = ", ".join(f'last("{field}") AS "{field}"' for field in fields)
    return f'SELECT {columns} FROM "arrivals" WHERE {WORKER} GROUP BY "worker"'
