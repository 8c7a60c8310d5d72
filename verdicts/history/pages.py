"""The history's pages: history.html, history.md and history.json of some series, in one folder.

Of every series together the figures that changed are drawn; of one scenario's all of them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from common.files.atomic_write import write_whole
from verdicts.history import wording
from verdicts.history.plots import HistoryPlot
from verdicts.history.series import FigureSeries, RunSeries, SeriesChange
from verdicts.language.words import ENGLISH, Say
from verdicts.report import plotly_js
from verdicts.report.environment import embedded, environment

NAME: Final = "history"
SCHEMA_VERSION: Final = 1
STATUS: Final = {"worse": "fail", "better": "pass", "changed": "info"}  # how page.css colours a call


def write(folder: Path, series: Sequence[RunSeries], scenario: str, language: str) -> None:
    """Write the three files; `scenario`: the one that they are of, "" for all. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(document(series), indent=1, ensure_ascii=False, allow_nan=False)
    write_whole(folder / f"{NAME}.json", text + "\n")
    write_whole(folder / f"{NAME}.html", html(series, scenario, language))
    write_whole(folder / f"{NAME}.md", markdown(series, scenario, language))


def html(series: Sequence[RunSeries], scenario: str, language: str) -> str:
    """The page."""
    plots = [_plots(one, place, scenario, Say(language)) for place, one in enumerate(series, 1)]
    specs = {plot.id: plot.spec() for drawn in plots for plot in drawn}
    return environment(language).get_template("history.html").render(
        **_values(series, scenario, language),
        plots=plots,
        specs=embedded(specs),
        plotly=plotly_js.packed(),
    )  # fmt: skip


def markdown(series: Sequence[RunSeries], scenario: str, language: str) -> str:
    """The same as text."""
    template = environment(language, html=False).get_template("history.md")
    return template.render(**_values(series, scenario, language))


def _values(series: Sequence[RunSeries], scenario: str, language: str) -> dict[str, Any]:
    say = Say(language)
    return {
        "series": series,
        "scenario": scenario,
        "changes": wording.newest_first(series),
        "headline": wording.headline(series, say),
        "sentence": wording.sentence(series, say),
        "words": wording,
        "say": say,
        "status": STATUS,
    }


def _plots(one: RunSeries, place: int, scenario: str, say: Say) -> list[HistoryPlot]:
    drawn = one.figures.values() if scenario else one.changed
    several = (figure for figure in drawn if len(figure.values) > 1)
    return [
        HistoryPlot(f"s{place}-{figure.id.replace('.', '-')}", f"s{place}", figure, say) for figure in several
    ]


def document(series: Sequence[RunSeries]) -> dict[str, Any]:
    """history.json as plain data; values are in the unit that stands with them, shares from 0 to 1."""
    return {"schema_version": SCHEMA_VERSION, "series": [_series(one) for one in series]}


def _series(one: RunSeries) -> dict[str, Any]:
    about = ("run", "started", "version", "commit", "verdict")
    return {
        **one.key._asdict(),
        "runs": [{name: getattr(run, name) for name in about} for run in one.runs],
        "figures": [_figure(figure) for figure in one.figures.values()],
    }


def _figure(figure: FigureSeries) -> dict[str, Any]:
    newest = figure.newest
    return {
        "id": figure.id,
        "title": wording.title(figure, ENGLISH),
        "unit": newest.unit,
        "better": newest.better,
        "basis": newest.basis,
        "witness": newest.witness,
        "values": [
            {"run": run.run, "value": value} for run, value in zip(figure.runs, figure.values, strict=True)
        ],
        "changes": [_change(one) for one in figure.changes],
    }


def _change(one: SeriesChange) -> dict[str, Any]:
    before, after = one.range
    return {
        "call": one.call,
        "last_before": {"run": one.last_before.run, "of": before},
        "first_after": {"run": one.first_after.run, "of": after},
        "before": one.point.before,
        "after": one.point.after,
        "relative": None if math.isinf(one.point.relative) else one.point.relative,
        "seen_with_run": one.point.seen,
    }


def summary(series: Sequence[RunSeries], folder: Path) -> Iterator[str]:
    """What the terminal shows."""
    yield f"{wording.headline(series, ENGLISH)}; {wording.sentence(series, ENGLISH)}"
    for one, figure, change in wording.newest_first(series):
        what = f"{wording.title(figure, ENGLISH)} {wording.difference(figure, change, ENGLISH)}"
        levels = (wording.shown(figure, value, ENGLISH) for value in change.point[1:3])
        yield f"  {change.call:7} {one.key.scenario}: {what}, {' to '.join(levels)}"
        yield f"          {wording.between(change)} ({wording.runs(change)})"
        yield f"          {one.key.attack}; {one.key.protections}; {one.key.target}"
    yield f"  report: {folder / f'{NAME}.html'}"
