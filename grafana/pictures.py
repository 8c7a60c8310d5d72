"""Pictures of the dashboards, drawn from the answers to their own queries: what a reader will see in Grafana.

    python -m grafana.pictures RUN [RUN_B] [--board resilience-overview] [--out docs/img]

RUN is a run folder whose points are in the InfluxDB of INFLUXDB_V2_URL (database RESILIENCE_DATABASE, or
`resilience`), or, where PROMETHEUS_URL is set, in that Prometheus. They are drawn by plotly in headless
Chromium, laid out as in the dashboard's file; Grafana's own look differs.
"""

from __future__ import annotations

import argparse
import html
import json
import os
import shutil
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NoReturn

import plotly.graph_objects as go
from playwright.sync_api import sync_playwright
from plotly.offline import get_plotlyjs

from grafana.answers import InfluxSource, PromSource, Series, Source, as_time
from grafana.query import fill
from grafana.read import BOARDS, PROM_BOARDS, boards

ROW_HEIGHT: Final = 34  # pixels of one row of Grafana's grid
WIDTH: Final = 1440
MOST_ROWS: Final = 12
STYLE: Final = """
body{margin:0;padding:12px;font:13px system-ui,sans-serif;background:#f4f5f5;color:#24292e}
h1{font-size:20px;margin:4px 4px 12px}h2{font-size:15px;margin:14px 4px 6px}
main{display:grid;grid-template-columns:repeat(24,1fr);gap:8px}
section{background:#fff;border:1px solid #ddd;border-radius:3px;padding:6px 10px;overflow:hidden}
section h3{font-size:13px;margin:0 0 2px}.row{grid-column:1/-1;background:none;border:0;padding:0}
.stats{display:flex;justify-content:space-around;align-items:center;height:75%}
.stats b{display:block;font-size:26px}.stats div{text-align:center}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:2px 8px;border-bottom:1px solid #eee}
"""


class Picture:
    """One dashboard of one run (or two) as a page."""

    def __init__(self, source: Source, runs: list[Path]) -> None:
        manifests = [_manifest(run) for run in runs]
        start = min(one["start_wall"] for one in manifests)
        end = max(one["start_wall"] + one["duration_s"] for one in manifests)
        self._span = (int(start * 1000) - 1000, int(end * 1000) + 5000)
        first, last = manifests[0]["run"], manifests[-1]["run"]
        self._values = {"run": first, "run_a": first, "run_b": last, "scenario": ".*", "worker": ".*"}
        self._source = source

    def page(self, board: dict[str, Any]) -> str:
        """The whole page."""
        body = "".join(self._panel(panel) for panel in board["panels"])
        script = f"<script>{get_plotlyjs()}</script>"
        title = html.escape(board["title"])
        return f"<meta charset=utf-8><style>{STYLE}</style>{script}<h1>{title}</h1><main>{body}</main>"

    def _panel(self, panel: dict[str, Any]) -> str:
        title = html.escape(panel["title"])
        if panel["type"] == "row":
            return f"<section class=row><h2>{title}</h2></section>"
        place = panel["gridPos"]
        style = f"grid-column:span {place['w']};height:{place['h'] * ROW_HEIGHT}px"
        return f'<section style="{style}"><h3>{title}</h3>{self._content(panel)}</section>'

    def _content(self, panel: dict[str, Any]) -> str:
        answers = [
            (target, self._source.ask(target, self._values, self._span)) for target in panel["targets"]
        ]
        if not any(found for _, found in answers):
            return "<p>none in this run</p>"
        draw = {"stat": _stats, "table": _table}.get(panel["type"])
        return draw(panel, answers) if draw else _lines(panel, answers, self._faults(panel))

    def _faults(self, panel: dict[str, Any]) -> list[datetime]:
        """When faults began and ended, where the panel's axis is time."""
        return [] if panel["type"] == "trend" else self._source.faults(self._values, self._span)


Answers = list[tuple[dict[str, Any], list[Series]]]


def _stats(panel: dict[str, Any], answers: Answers) -> str:
    unit = panel["fieldConfig"]["defaults"]["unit"]
    cells = [
        f"<div><b>{html.escape(_shown(value, unit))}</b>{html.escape(name)}</div>"
        for _, found in answers
        for series in found
        for name, value in zip(series["columns"][1:], series["values"][-1][1:], strict=True)
    ]
    return f"<div class=stats>{''.join(cells)}</div>"


def _shown(value: Any, unit: str) -> str:
    if not isinstance(value, int | float):
        return str(value)
    if unit == "percentunit":
        return f"{value:.2%}"
    return f"{value:,.0f}" if unit == "short" else f"{value:,.1f} {unit}"


def _table(panel: dict[str, Any], answers: Answers) -> str:
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in _rows(answers):
        key = (row["point"],) if "point" in row else tuple(sorted(row.items(), key=str))
        rows.setdefault(key, {}).update(row)
    names = list(dict.fromkeys(name for row in rows.values() for name in row))
    head = "".join(f"<th>{html.escape(name)}</th>" for name in names)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(_cell(row.get(name, '')))}</td>" for name in names) + "</tr>"
        for row in list(rows.values())[:MOST_ROWS]
    )
    return f"<table><tr>{head}</tr>{body}</table>"


def _rows(answers: Answers) -> Iterator[dict[str, Any]]:
    for _, found in answers:
        for series in found:
            for values in series["values"]:
                yield {**series.get("tags", {}), **dict(zip(series["columns"][1:], values[1:], strict=True))}


def _cell(value: Any) -> str:
    return f"{value:,.1f}" if isinstance(value, float) else str(value)


def _lines(panel: dict[str, Any], answers: Answers, marks: list[datetime]) -> str:
    figure = go.Figure()
    for mark in marks:
        figure.add_vline(mark, line={"color": "red", "dash": "dash", "width": 1})
    for _, found in answers:
        for series in found:
            _draw(figure, panel["type"], series)
    for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]:
        if step["value"] is not None and _reaches(figure, step["value"]):
            figure.add_hline(step["value"], line={"color": step["color"], "dash": "dot"})
    unit = panel["fieldConfig"]["defaults"]["unit"]
    figure.update_layout(
        margin={"l": 50, "r": 8, "t": 4, "b": 4}, height=panel["gridPos"]["h"] * ROW_HEIGHT - 34,
        template="plotly_white", legend={"orientation": "h"}, showlegend=True,
        yaxis={"title": unit, "rangemode": "tozero"},
    )  # fmt: skip
    if panel["type"] == "state-timeline":
        figure.update_yaxes(type="category", title="")
    return str(figure.to_html(full_html=False, include_plotlyjs=False, config={"staticPlot": True}))


def _draw(figure: go.Figure, kind: str, series: Series) -> None:
    columns = list(zip(*series["values"], strict=True))
    if kind == "trend":
        for name, values in zip(series["columns"][2:], columns[2:], strict=True):
            figure.add_scatter(x=columns[1], y=values, name=name, mode="lines")
        return
    name = series["legend"]
    times = [as_time(time) for time in columns[0]]
    if kind == "state-timeline":  # a bar where it is so
        bar = [name if value else None for value in columns[1]]
        figure.add_scatter(x=times, y=bar, name=name, mode="lines", line={"width": 9}, showlegend=False)
    else:
        figure.add_scatter(x=times, y=columns[1], name=name, mode="lines")


def _reaches(figure: go.Figure, limit: float) -> bool:
    """A limit far above all values would press them to the ground."""
    values = [value for trace in figure.data for value in trace.y if isinstance(value, int | float)]
    return bool(values) and limit <= 3 * max(values)


class TextParser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        """Raise it as a ValueError."""
        raise ValueError(f"command line: {message}; {self.prog} --help tells what is allowed")


def main(arguments: list[str] | None = None) -> int:
    """Draw; 0, or 2 with one line for bad usage."""
    try:
        options = _options(arguments)
        picture = Picture(_source(dict(os.environ)), options.runs)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    options.out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        there = boards(_folder())
        for uid in options.board or list(there):
            page = browser.new_page(viewport={"width": WIDTH, "height": 900})
            page.set_content(picture.page(there[uid]))
            page.screenshot(path=str(options.out / f"{uid}.png"), full_page=True)
            page.close()
        browser.close()
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = TextParser(prog="python -m grafana.pictures", description=__doc__)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--board", action="append", default=[])
    parser.add_argument("--out", type=Path, default=Path("docs/img"))
    options = parser.parse_args(arguments)
    for uid in options.board:
        if uid not in boards(_folder()):
            raise ValueError(f"command line: --board: {uid!r:.60}, allowed: {', '.join(boards(_folder()))}")
    return options


def _folder() -> Path:
    return PROM_BOARDS if os.environ.get("PROMETHEUS_URL") else BOARDS


def _source(env: dict[str, str]) -> Source:
    if prometheus := env.get("PROMETHEUS_URL"):
        if not prometheus.startswith(("http://", "https://")):
            raise ValueError("environment variable PROMETHEUS_URL: is no URL, allowed: http(s)://host:port")
        return PromSource(prometheus)
    if not env.get("INFLUXDB_V2_URL", "").startswith(("http://", "https://")):
        raise ValueError(
            "environment variable INFLUXDB_V2_URL: is missing or no URL, allowed: http(s)://host"
        )
    return InfluxSource(env)


def _manifest(run: Path) -> dict[str, Any]:
    """What a picture needs of run.json. ValueError with one line."""
    try:
        found: dict[str, Any] = json.loads((run / "run.json").read_text())
        name, *_ = found["run"], float(found["start_wall"]), float(found["duration_s"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        said = error.strerror if isinstance(error, OSError) else f"{type(error).__name__} {error}"
        raise ValueError(f"{run}/run.json: {said}, allowed: the folder of a run") from None
    fill("$run", {"run": name}, (0, 0))
    return found


if __name__ == "__main__":
    sys.exit(main())
