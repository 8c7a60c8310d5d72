"""The page of a breakpoint search: every trial as a plot, the table, the plan's arithmetic beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from shapes.search import MACHINE
from verdicts.breakpoint import goroutine_arithmetic
from verdicts.breakpoint.table import HEAD, BreakpointRow
from verdicts.breakpoint.trial import TrialOutcome
from verdicts.report import plotly_js
from verdicts.report.environment import embedded, environment
from verdicts.run import real_parts

PLOT: Final = "trials"
MARKS: Final = (
    ("held", "good-2", "circle"),
    ("a bound broke", "bad", "x"),
    ("limited by this machine", "warn", "diamond"),
)
ROW_HEIGHT: Final = 34
AXIS: Final = {"type": "log", "tickformat": ",~g", "dtick": "D2"}  # 1, 2, 5, 10, 20, …
HOVER: Final = "%{y}: %{x:.4g} req/s<br>%{text}<extra></extra>"


def render(found: Mapping[str, Any], rows: Sequence[BreakpointRow], sentence: str) -> str:
    """HTML; `found` is the document of breakpoint.json."""
    return (
        environment("en")
        .get_template("breakpoint.html")
        .render(
            found=found,
            rows=rows,
            head=HEAD,
            sentence=sentence,
            real_origin=real_parts.is_told(found.get("stack", "")),
            plan_head=goroutine_arithmetic.HEAD,
            plan=goroutine_arithmetic.lines(found.get("nano") or {}),
            specs=embedded({PLOT: spec(rows)}),
            plotly=plotly_js.packed(),
        )
    )


def spec(rows: Sequence[BreakpointRow]) -> dict[str, Any]:
    """plotly's figure: a line a row, a mark a trial, a bar from what held to what did not."""
    shown = [row for row in reversed(rows) if not row.same_as]
    data = [_trials(shown, place) for place in range(len(MARKS))]
    layout = {
        "height": 130 + ROW_HEIGHT * len(shown),
        "hovermode": "closest",
        "xaxis": {**AXIS, "title": {"text": "attackers' requests per second"}},
        "yaxis": {"type": "category", "categoryarray": [row.protect for row in shown], "showgrid": True},
        "margin": {"b": 92},
    }
    return {"data": [_brackets(shown), *data], "layout": layout}


def _brackets(rows: Sequence[BreakpointRow]) -> dict[str, Any]:
    """Between the highest rate that held and the lowest that did not."""
    x: list[float | None] = []
    y: list[str | None] = []
    for row in rows:
        if row.lower is not None:
            x += [row.lower, row.upper or row.lower, None]
            y += [row.protect, row.protect, None]
    style = {"color": "var(--c1)", "width": 8}
    return {
        "type": "scatter", "mode": "lines", "name": "the breakpoint lies here", "x": x, "y": y, "line": style,
        "hoverinfo": "skip", "opacity": 0.45,
    }  # fmt: skip


def _trials(rows: Sequence[BreakpointRow], place: int) -> dict[str, Any]:
    name, color, symbol = MARKS[place]
    mine = [(row.protect, trial) for row in rows for trial in row.trials if _mark(trial) == place]
    return {
        "type": "scatter", "mode": "markers", "name": name,
        "x": [trial.rate for _, trial in mine], "y": [protect for protect, _ in mine],
        "text": [_told(trial) for _, trial in mine], "hovertemplate": HOVER,
        "marker": {"color": f"var(--{color})", "symbol": symbol, "size": 10},
    }  # fmt: skip


def _mark(trial: TrialOutcome) -> int:
    return 0 if trial.passed else 2 if trial.limit == MACHINE else 1


def _told(trial: TrialOutcome) -> str:
    flying = "" if trial.in_flight is None else f"{trial.in_flight:,} in flight"
    return flying if trial.passed else f"{trial.limit}: {trial.bound or trial.why}<br>{flying}"
