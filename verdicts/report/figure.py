"""A plot as data: plotly's JSON, a sentence that says what it shows, and the same numbers as a table.

Colours are written `var(--name)`; the page fills in the value that the theme gives them, so that one
report serves light, dark and print.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[Any]
SECONDS: Final = "seconds since start"
MOST_ROWS: Final = 900  # of a data table, so that an hour's report stays small


@dataclass(frozen=True)
class Trace:
    """One line or row of bars: its numbers (a NaN is a gap) and how plotly draws them."""

    name: str
    x: Numbers
    y: Numbers
    spec: dict[str, Any]

    @property
    def peak(self) -> float:
        """The largest value; NaN if there is none."""
        known = self.y[~np.isnan(self.y.astype(np.float64))]
        return float(known.max()) if known.size else float("nan")


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

    def spec(self, markers: dict[str, Any], span: tuple[float, float]) -> dict[str, Any]:
        """plotly's figure, data and layout; `span` is the part of the time axis that is shown at first."""
        layout = {
            "yaxis": {"title": {"text": self.unit}, "rangemode": "tozero", "tickformat": ",~g"},
            "xaxis": {"range": list(span), "ticksuffix": " s"},
            "shapes": [*markers["shapes"], *(_bound(value) for value, _ in self.bounds)],
            "annotations": [*markers["annotations"], *(_label(value, text) for value, text in self.bounds)],
            **({"barmode": "stack"} if self.stacked else {}),
            **({"margin": {"t": 32}} if markers["annotations"] else {}),
        }
        return {"data": [trace.spec for trace in self.traces], "layout": layout}

    @property
    def table(self) -> tuple[list[str], list[list[str]]]:
        """(header, rows): every plotted number; instants of different traces stand in rows of their own.

        Beyond MOST_ROWS instants, a row holds the largest values of several (`instants_per_row`).
        """
        instants, step = self._instants, self.instants_per_row
        columns = [dict(zip(trace.x.tolist(), trace.y.tolist(), strict=True)) for trace in self.traces]
        groups = [instants[first : first + step] for first in range(0, len(instants), step)]
        rows = [
            [shown(group[0]), *(shown(_largest(column, group)) for column in columns)] for group in groups
        ]
        return [SECONDS, *(trace.name for trace in self.traces)], rows

    @cached_property
    def _instants(self) -> list[float]:
        return np.unique(np.concatenate([trace.x for trace in self.traces])).tolist() if self.traces else []

    @property
    def instants_per_row(self) -> int:
        """How many instants a row of `table` stands for."""
        return max(1, math.ceil(len(self._instants) / MOST_ROWS))


def _largest(column: dict[float, float], instants: list[float]) -> float | None:
    known = [column[t] for t in instants if t in column and not math.isnan(column[t])]
    return max(known, default=None)


def line(name: str, x: Numbers, y: Numbers, color: str) -> Trace:
    """A line through readings at instants."""
    return Trace(name, x, y, _line(name, x, y, color, {"width": 2}))


def steps(name: str, seconds: Numbers, y: Numbers, color: str, width: float = 2) -> Trace:
    """A value for each whole second, drawn from k to k + 1."""
    known = ~np.isnan(y.astype(np.float64))
    last = known & np.append(~known[1:], True)  # the second before a gap, or the last of all
    places = np.flatnonzero(last) + 1
    x, drawn = (
        np.insert(values.astype(np.float64), places, values[last] + more)
        for values, more in ((seconds, 1), (y, 0))
    )
    return Trace(name, seconds, y, _line(name, x, drawn, color, {"width": width, "shape": "hv"}))


def bars(name: str, seconds: Numbers, y: Numbers, color: str) -> Trace:
    """A value for each whole second as a bar from k to k + 1."""
    spec = {
        "type": "bar",
        "offset": 0,
        "width": 1,
        "marker": {"color": f"var(--{color})", "line": {"width": 0}},
    }
    return Trace(name, seconds, y, {**spec, "name": name, "x": _plain(seconds), "y": _plain(y)})


def shown(value: float | None) -> str:
    """A number in a table: whole numbers whole, others to six digits, nothing for a gap."""
    if value is None or math.isnan(value):
        return ""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.6g}"


def _line(name: str, x: Numbers, y: Numbers, color: str, style: dict[str, Any]) -> dict[str, Any]:
    spec = {"type": "scatter", "mode": "lines", "line": {"color": f"var(--{color})", **style}}
    return {**spec, "name": name, "x": _plain(x), "y": _plain(y)}


def _plain(values: Numbers) -> list[float | int | None]:
    rounded = np.round(values, 6).tolist() if values.dtype.kind == "f" else values.tolist()
    return [None if isinstance(value, float) and math.isnan(value) else value for value in rounded]


def _bound(value: float) -> dict[str, Any]:
    style = {"color": "var(--bound)", "width": 1.5, "dash": "dot"}
    return {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": value, "y1": value, "line": style}


def _label(value: float, text: str) -> dict[str, Any]:
    place = {"xref": "paper", "x": 1, "xanchor": "right", "y": value, "yanchor": "bottom"}
    return {**place, "text": text, "showarrow": False, "font": {"color": "var(--bound)", "size": 11}}
