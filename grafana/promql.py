"""PromQL of the panels, beside their InfluxQL: the same figures as remote write names them.

`$run` and its like are the dashboard's variables, `$__range`, `$__rate_interval` and `$__interval` Grafana's
own; `fill_promql` puts values in their place, as Grafana does, for the tests.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from grafana_foundation_sdk.builders import prometheus
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.dashboard import DataSourceRef
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

PROM_UID: Final = "resilience-prometheus"
PROM_SOURCE: Final = DataSourceRef(type_val="prometheus", uid=PROM_UID)
RATE: Final = "[$__rate_interval]"
_OURS: Final = {
    "up": "resilience_target_up",
    "health_requests_total": "resilience_target_health_requests_total",
    "in_flight": "resilience_in_flight",
}
_PERCENTILE: Final = re.compile(r"(run_)?(service_|start_delay_|)(?:p(\d+)|(?:max))_ms")


@dataclass(frozen=True)
class Prom:
    """One query. `line`: over time; `last`: one number; `table`: rows; `words`: rows of labels alone."""

    expr: str
    legend: str = ""
    kind: Literal["line", "last", "table", "words"] = "line"

    def builder(self, ref: str) -> Builder[Dataquery]:
        """What panel builders take."""
        made = prometheus.Dataquery().ref_id(ref).expr(self.expr).datasource(PROM_SOURCE)
        if self.legend:
            made.legend_format(self.legend)
        if self.kind == "line":
            return made.range().format(PromQueryFormat.TIME_SERIES)
        table = PromQueryFormat.TIME_SERIES if self.kind == "last" else PromQueryFormat.TABLE
        return made.instant().format(table)


def metric(field: str) -> str:
    """A field's metric: the target's own by its name, the ledger's counts, ours."""
    return _OURS.get(field, field)


def by(*labels: str) -> str:
    """What `sum` and its like are grouped by."""
    return f" by ({', '.join(labels)}) " if labels else ""


def counted(field: str) -> str:
    """The counter of a ledger's figure."""
    return f"resilience_arrivals_{field}_total"


def gauge(field: str, where: str, *labels: str) -> Prom:
    """A gauge over time; percentiles in ms."""
    if found := _PERCENTILE.fullmatch(field):
        since, kind, percent = found.groups()
        quantile = f"{int(percent) / 100:g}" if percent else "1"
        name = f"resilience_{since or ''}{kind or 'response_'}seconds"
        return Prom(f'1000 * max({name}{{{where}, quantile="{quantile}"}})')
    return Prom(f"max{by(*labels)}({metric(field)}{{{where}}})")


def speed(name: str, where: str, *labels: str) -> str:
    """How fast a counter rises, per second, over all series that `labels` do not tell apart."""
    return f"sum{by(*labels)}(rate({name}{{{where}}}{RATE}))"


def at_the_end(name: str, where: str, *labels: str) -> str:
    """A counter's last value in the chosen time, summed up so."""
    return f"sum{by(*labels)}(last_over_time({name}{{{where}}}[$__range]))"


def words(name: str, where: str, *labels: str) -> Prom:
    """Texts of the chosen time: a row for each."""
    return Prom(f"max{by(*labels)}(last_over_time({name}{{{where}}}[$__range]))", kind="words")


def fill_promql(text: str, variables: Mapping[str, str], range_s: int, step_s: int = 1) -> str:
    """The query with every variable in its place; KeyError for a variable that is not given."""
    own = {"__range": f"{range_s}s", "__rate_interval": f"{max(step_s + 1, 4)}s", "__interval": f"{step_s}s"}
    values: dict[str, Any] = {
        name: value if value == ".*" else re.escape(value) for name, value in variables.items()
    }
    values = {name: value.replace("\\", "\\\\") for name, value in values.items()} | own
    return re.sub(r"\$(\w+)", lambda found: str(values[found[1]]), text)
