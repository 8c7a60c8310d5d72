"""`metastable.html`: the map of every trial and the frontier in it, the table, the trials one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from verdicts.language.words import Say
from verdicts.metastable import wording
from verdicts.metastable.answer import RowAnswer, answers
from verdicts.metastable.metastable_file import MetastableFile, StormRow, StormTrial
from verdicts.report import plotly_js
from verdicts.report.environment import embedded, environment

PLOT: Final = "map"
COLOURS: Final = 7
HOVER: Final = "%{text}<extra></extra>"
TIMES: Final = [1, 2, 3, 5, 10, 20, 30, 50, 100, 200, 300]


def html(found: MetastableFile, language: str) -> str:
    """The page."""
    say, rows = Say(language), answers(found)
    values = {
        "found": found,
        "rows": rows,
        "state": "fail" if any(row.state == "some" for row in rows) else "",
        "headline": wording.headline(rows, say),
        "sentence": wording.summary_sentence(found, rows, say),
        "lines": [_cells(row, place, say) for row in rows for place in range(len(row.lines))],
        "trials": [_trial(row, trial, found, say) for row in found.rows for trial in row.trials],
        "notes": wording.notes(rows),
        "specs": embedded({PLOT: spec(found, rows, say)}),
    }
    return environment(language).get_template("metastable.html").render(**values, plotly=plotly_js.packed())


def _cells(row: RowAnswer, place: int, say: Say) -> dict[str, Any]:
    line = row.lines[place]
    lower, upper = wording.ends(line, say)
    return {
        "row": row.row,
        "at": wording.place(line, say),
        "lower": lower,
        "upper": upper,
        "confirmed": say("yes") if line.found.confirmed else say("no"),
        "sentence": wording.sentence(line, say),
    }


def _trial(row: StormRow, trial: StormTrial, found: MetastableFile, say: Say) -> dict[str, Any]:
    return {
        "row": row,
        "trial": trial,
        "load": wording.load(trial.load, say),
        "rate": f"{trial.load * found.capacity:.3g}",
        "length": wording.length(trial.length, say),
        "came": came(trial, say),
        "goodput": wording.load(trial.goodput, say),
    }


def came(trial: StormTrial, say: Say) -> str:
    """What became of a trial in words."""
    if not trial.back:
        return say("did not come back")
    return say("back after {seconds}", seconds=wording.length(trial.seconds, say))


def spec(found: MetastableFile, rows: Sequence[RowAnswer], say: Say) -> dict[str, Any]:
    """plotly's figure: a mark a trial, hollow where it came back; a line a row through its brackets."""
    data = [trace for place, row in enumerate(rows) for trace in _traces(row, place, say)]
    layout = {
        "height": 460,
        "hovermode": "closest",
        "xaxis": {"title": {"text": say("load, % of what it bears")}, "range": [0, 100]},
        "yaxis": {"title": {"text": say("length of the trigger, s")}, "type": "log", "tickvals": TIMES},
        "margin": {"b": 92},
    }
    return {"data": [trace for trace in data if trace["x"]], "layout": layout}


def _traces(row: RowAnswer, place: int, say: Say) -> list[dict[str, Any]]:
    colour = f"var(--c{place % COLOURS + 1})"
    return [
        {
            "type": "scatter", "mode": "lines", "name": say("frontier: {name}", name=wording.name(row)),
            "x": [round(point.load * 100, 2) for point in row.frontier],
            "y": [round(point.length, 3) for point in row.frontier],
            "line": {"color": colour, "width": 2}, "hoverinfo": "skip",
        },
        _marks(row, colour, back=False, say=say),
        _marks(row, colour, back=True, say=say),
    ]  # fmt: skip


def _marks(row: RowAnswer, colour: str, *, back: bool, say: Say) -> dict[str, Any]:
    mine = [trial for trial in row.row.trials if trial.back == back]
    title = say("came back: {name}", name=wording.name(row))
    return {
        "type": "scatter", "mode": "markers",
        "name": title if back else say("did not: {name}", name=wording.name(row)),
        "x": [round(trial.load * 100, 2) for trial in mine], "y": [trial.length for trial in mine],
        "text": [_hover(trial, row, say) for trial in mine], "hovertemplate": HOVER,
        "marker": {"color": colour, "symbol": "circle-open" if back else "x", "size": 10},
    }  # fmt: skip


def _hover(trial: StormTrial, row: RowAnswer, say: Say) -> str:
    at = f"{wording.load(trial.load, say)}, {wording.length(trial.length, say)}"
    return f"{wording.name(row)}<br>{at}: {came(trial, say)}"
