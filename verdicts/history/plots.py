"""One figure over the runs: a mark a run, a line a level, a dotted line where it changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from verdicts.history import wording
from verdicts.history.series import FigureSeries, SeriesChange
from verdicts.language.words import Say

COLORS: Final = {"worse": "bad", "better": "good-2", "changed": "c3"}
ROOM: Final = 0.6  # runs that the axis is longer than the series, on both sides


@dataclass(frozen=True)
class HistoryPlot:
    """What `plot.html` asks of a figure."""

    id: str
    series: str  # the plots of one series share their axis
    figure: FigureSeries
    say: Say
    instants_per_row: int = 1

    @property
    def title(self) -> str:
        """The figure's."""
        return wording.title(self.figure, self.say)

    @property
    def basis(self) -> str:
        """Measured or modelled."""
        return self.figure.newest.basis

    @property
    def summary(self) -> str:
        """In words."""
        return wording.summary(self.figure, self.say)

    @property
    def language(self) -> str:
        """Of the summary."""
        return self.say.language

    @property
    def table(self) -> tuple[list[str], list[list[str]]]:
        """(header, rows): a row a run, the newest first."""
        say, figure = self.say, self.figure
        unit = wording.unit(figure, say)
        head = [
            say("Run"),
            say("Started (UTC)"),
            say("Commit"),
            f"{say('Value')}{f' ({unit})' if unit else ''}",
        ]
        rows = [
            [run.run, wording.moment(run.started), run.of, f"{value * wording.factor(figure):,.6g}"]
            for run, value in zip(figure.runs, figure.values, strict=True)
        ]
        return head, rows[::-1]

    def spec(self) -> dict[str, Any]:
        """plotly's figure."""
        return {"data": [self._levels(), self._runs()], "layout": self._layout()}

    def _runs(self) -> dict[str, Any]:
        factor, runs = wording.factor(self.figure), self.figure.runs
        return {
            "type": "scatter", "mode": "lines+markers", "name": self.say("Run"),
            "x": list(range(1, len(runs) + 1)),
            "y": [float(f"{value * factor:.6g}") for value in self.figure.values],
            "text": [f"{one.run}<br>{one.of}<br>{wording.moment(one.started)}" for one in runs],
            "hovertemplate": "%{y}<br>%{text}<extra></extra>",
            "line": {"color": "var(--c1)", "width": 1}, "marker": {"color": "var(--c1)", "size": 6},
        }  # fmt: skip

    def _levels(self) -> dict[str, Any]:
        x: list[float | None] = []
        y: list[float | None] = []
        for first, last, level in self.figure.levels:
            x += [first + 0.5, last + 0.5, None]
            y += [*[float(f"{level * wording.factor(self.figure):.6g}")] * 2, None]
        return {
            "type": "scatter", "mode": "lines", "name": self.say("Level"), "x": x, "y": y,
            "line": {"color": "var(--c4)", "width": 3}, "hoverinfo": "skip",
        }  # fmt: skip

    def _layout(self) -> dict[str, Any]:
        changes = self.figure.changes
        return {
            "meta": self.series,
            "xaxis": {
                "range": [1 - ROOM, len(self.figure.values) + ROOM],
                "title": {"text": self.say("runs, one after the other")},
                "tickformat": "d",
            },
            "yaxis": {"title": {"text": wording.unit(self.figure, self.say)}, "tickformat": ",~g"},
            "shapes": [_shape(one) for one in changes],
            "annotations": [self._label(one) for one in changes],
            "hovermode": "closest",
            "margin": {"t": 32, "b": 92},
        }

    def _label(self, change: SeriesChange) -> dict[str, Any]:
        return {
            "x": change.point.at + 0.5, "yref": "paper", "y": 1, "yanchor": "bottom", "showarrow": False,
            "text": wording.difference(self.figure, change, self.say),
            "font": {"color": f"var(--{COLORS[change.call]})", "size": 12},
        }  # fmt: skip


def _shape(change: SeriesChange) -> dict[str, Any]:
    """Between the last run before and the first one after."""
    x = change.point.at + 0.5
    style = {"color": f"var(--{COLORS[change.call]})", "width": 1.5, "dash": "dot"}
    return {"type": "line", "yref": "paper", "x0": x, "x1": x, "y0": 0, "y1": 1, "line": style}
