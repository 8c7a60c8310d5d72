"""A plot as data: plotly's JSON, a sentence that says what it shows, and the same numbers as a table.

Colours are written `var(--name)`; the page fills in the value that the theme gives them, so that one
report serves light, dark and print.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[Any]
Trace = dict[str, Any]
SECONDS: Final = "seconds since start"


@dataclass(frozen=True)
class Figure:
    """One plot. `basis` is measured or modelled; traces share the x axis of seconds since start."""

    id: str
    title: str
    unit: str
    basis: str
    summary: str
    traces: Sequence[Trace]
    bounds: Sequence[tuple[float, str]] = ()  # horizontal lines: value, label
    stacked: bool = False
    layout: dict[str, Any] = field(default_factory=dict)

    def spec(self, markers: dict[str, Any]) -> dict[str, Any]:
        """plotly's figure: data and layout."""
        annotations = [*markers["annotations"], *(_label(value, text) for value, text in self.bounds)]
        layout = {
            "yaxis": {"title": {"text": self.unit}, "rangemode": "tozero", "automargin": True},
            "xaxis": {"title": {"text": SECONDS}},
            "shapes": [*markers["shapes"], *(_bound(value) for value, _ in self.bounds)],
            "annotations": annotations,
            **({"barmode": "stack", "bargap": 0.08} if self.stacked else {}),
            **self.layout,
        }
        return {"data": list(self.traces), "layout": layout}

    @property
    def table(self) -> tuple[list[str], list[list[str]]]:
        """(header, rows): every plotted number, exactly; traces on other instants stand in rows of their own."""
        instants = sorted({x for trace in self.traces for x in trace["x"]})
        columns = [dict(zip(trace["x"], trace["y"], strict=True)) for trace in self.traces]
        rows = [[shown(t), *(shown(column.get(t)) for column in columns)] for t in instants]
        return ["s", *(trace["name"] for trace in self.traces)], rows


def line(name: str, x: Numbers, y: Numbers, color: str, **style: Any) -> Trace:
    """A line; a NaN is a gap."""
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": _plain(x),
        "y": _plain(y),
        "line": {"color": f"var(--{color})", "width": 2, **style},
    }


def bars(name: str, x: Numbers, y: Numbers, color: str) -> Trace:
    """Bars over whole seconds: the bar of second k stands between k and k + 1."""
    return {
        "type": "bar",
        "name": name,
        "x": _plain(x),
        "y": _plain(y),
        "offset": 0,
        "width": 1,
        "marker": {"color": f"var(--{color})"},
    }


def shown(value: float | None) -> str:
    """A number in a table: whole numbers whole, others to six digits, nothing for a gap."""
    if value is None:
        return ""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.6g}"


def _plain(values: Numbers) -> list[float | int | None]:
    rounded = np.round(values, 6).tolist() if values.dtype.kind == "f" else values.tolist()
    return [None if isinstance(value, float) and math.isnan(value) else value for value in rounded]


def _bound(value: float) -> dict[str, Any]:
    style = {"color": "var(--bound)", "width": 1.5, "dash": "dot"}
    return {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": value, "y1": value, "line": style}


def _label(value: float, text: str) -> dict[str, Any]:
    place = {"xref": "paper", "x": 1, "xanchor": "right", "y": value, "yanchor": "bottom"}
    return {**place, "text": text, "showarrow": False, "font": {"color": "var(--bound)", "size": 11}}
