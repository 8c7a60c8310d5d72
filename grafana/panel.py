"""A panel as data, and its making with the Foundation SDK.

Each has a unit, a description in plain words, and limits where the operator has an alert or the plan
names one: from `warn` on it is orange, from `bad` on it is red.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from grafana_foundation_sdk.builders import common, stat, statetimeline, table, timeseries, trend
from grafana_foundation_sdk.builders.dashboard import ThresholdsConfig
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    GraphTresholdsStyleMode,
    LegendDisplayMode,
    LegendPlacement,
    TooltipDisplayMode,
    VisibilityMode,
)

from grafana.promql import PROM_SOURCE, Prom
from grafana.query import SOURCE, Query, TargetBuilder

Kind = Literal["lines", "stat", "table", "states", "trend"]
_BUILDERS: Final[dict[str, Callable[[], Any]]] = {
    "lines": timeseries.Panel,
    "stat": stat.Panel,
    "table": table.Panel,
    "states": statetimeline.Panel,
    "trend": trend.Panel,
}
GREEN, ORANGE, RED, BLUE = "green", "orange", "red", "blue"


@dataclass(frozen=True)
class Panel:
    """One panel. `unit` is Grafana's name of it; `words` maps values to (text, colour)."""

    title: str
    description: str
    unit: str
    queries: tuple[Query, ...]
    kind: Kind = "lines"
    width: int = 12
    height: int = 8
    warn: float | None = None
    bad: float | None = None
    words: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    join: str = ""  # join the queries' rows by this column

    @property
    def prom(self) -> tuple[Prom, ...]:
        """Its queries for Prometheus; none if one of them cannot be asked there."""
        return tuple(one for query in self.queries for one in query.prometheus())


def build(panel: Panel, number: int, *, prom: bool = False) -> Any:
    """The SDK's builder of it; `number` is its own within the dashboard; `prom`: it asks Prometheus."""
    targets = (
        [query.builder(chr(ord("A") + i)) for i, query in enumerate(panel.prom)]
        if prom
        else [TargetBuilder(chr(ord("A") + i), query) for i, query in enumerate(panel.queries)]
    )
    made = (
        _BUILDERS[panel.kind]()
        .id(number)
        .title(panel.title)
        .description(panel.description)
        .datasource(PROM_SOURCE if prom else SOURCE)
        .unit(panel.unit)
        .no_value("none in this run")
        .height(panel.height)
        .span(panel.width)
        .thresholds(_limits(panel))
        .targets(targets)
        .transformations(_prom_transformations(panel) if prom else _transformations(panel))
    )
    if panel.words:
        made.mappings([models.ValueMap(_words(panel))])
    return _FINISH[panel.kind](made, panel)


def _limits(panel: Panel) -> ThresholdsConfig:
    steps = [models.Threshold(value=None, color=GREEN)]
    for value, color in ((panel.warn, ORANGE), (panel.bad, RED)):
        if value is not None:
            steps.append(models.Threshold(value=value, color=color))
    return ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps)


def _words(panel: Panel) -> dict[str, models.ValueMappingResult]:
    return {
        value: models.ValueMappingResult(text=text, color=color, index=index)
        for index, (value, (text, color)) in enumerate(panel.words.items())
    }


def _transformations(panel: Panel) -> list[models.DataTransformerConfig]:
    if not panel.join:
        return []
    drop = {"exclude": {"names": ["Time"]}}
    return [
        models.DataTransformerConfig(id_val="filterFieldsByName", options=drop),
        models.DataTransformerConfig(id_val="joinByField", options={"byField": panel.join, "mode": "outer"}),
    ]


def _prom_transformations(panel: Panel) -> list[models.DataTransformerConfig]:
    """Tables without the time of the question, and without the 1 of what is only words."""
    if not any(one.kind in {"table", "words"} for one in panel.prom):
        return []
    words = all(one.kind == "words" for one in panel.prom)
    values = ["Value", *(f"Value #{chr(ord('A') + i)}" for i in range(len(panel.prom)))] if words else []
    drop = {"exclude": {"names": ["Time", *values]}}
    found = [models.DataTransformerConfig(id_val="filterFieldsByName", options=drop)]
    if panel.join:
        options = {"byField": panel.join, "mode": "outer"}
        found.append(models.DataTransformerConfig(id_val="joinByField", options=options))
    elif len(panel.prom) > 1:
        found.append(models.DataTransformerConfig(id_val="merge", options={}))
    return found


def _lines(made: Any, panel: Panel) -> Any:
    made.interval("1s").fill_opacity(8).show_points(VisibilityMode.NEVER).min(0)
    made.tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI))
    if panel.bad is not None:
        made.thresholds_style(common.GraphThresholdsStyleConfig().mode(GraphTresholdsStyleMode.LINE))
    return _legend(made)


def _legend(made: Any) -> Any:
    shown = common.VizLegendOptions().display_mode(LegendDisplayMode.TABLE).placement(LegendPlacement.BOTTOM)
    return made.legend(shown.show_legend(True).calcs(["max", "lastNotNull"]))


def _stat(made: Any, panel: Panel) -> Any:
    values = common.ReduceDataOptions().calcs(["lastNotNull"]).fields("/^(?!Time$).*/")
    colored = BigValueColorMode.BACKGROUND if panel.bad is not None or panel.words else BigValueColorMode.NONE
    return made.reduce_options(values).color_mode(colored)


def _trend(made: Any, panel: Panel) -> Any:
    return _legend(made.x_field(panel.join).show_points(VisibilityMode.NEVER))


def _states(made: Any, panel: Panel) -> Any:
    made.interval("1s").line_width(0).fill_opacity(70)
    return made.show_value(VisibilityMode.AUTO).merge_values(True)


_FINISH: Final = {
    "lines": _lines,
    "stat": _stat,
    "table": lambda made, _: made.show_header(True),
    "states": _states,
    "trend": _trend,
}
