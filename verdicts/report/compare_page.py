"""The page of a comparison: the verdict, every figure with its interval, A and B in each plot."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from verdicts.compare import wording
from verdicts.compare.comparison import CALLS, ComparedFigure, Comparison
from verdicts.report import compare_figures, markers, plotly_js
from verdicts.report.environment import embedded, environment
from verdicts.run.facts import started
from verdicts.run.reading import Run

PARTS: Final = [
    ("figures", "Figures"),
    ("plots", "A and B over time"),
    ("runs", "Runs"),
    ("again", "Make it again"),
]
STATUS: Final = {"better": "pass", "worse": "fail"}  # how page.css colours a call; others as info


def render(found: Comparison, folder: Path, repeated: Sequence[tuple[str, str]], command: str) -> str:
    """The page; links to the runs' own reports are relative to `folder`."""
    run = found.a.runs[0]
    plots = compare_figures.figures(found)
    spans = [span for span in markers.spans(run) if span.kind in ("phase", "fault")]
    shown = compare_figures.extent(plots)
    marks = markers.marks(spans)
    return environment("en").get_template("compare.html").render(
        found=found,
        run=run,
        title=title(found),
        cards=[(call, [row for row in found.target_rows if row.call == call]) for call in CALLS],
        sides=(found.a, found.b),
        words=wording,
        status=lambda row: STATUS.get(row.call, "info"),
        values=values,
        link=lambda one: os.path.relpath(one.folder, folder),
        started=started,
        sent=_sent,
        repeated=repeated,
        command=command,
        plots=plots,
        spans=spans,
        parts=PARTS,
        specs=embedded({plot.id: plot.spec(marks, shown) for plot in plots}),
        plotly=plotly_js.packed(),
    )  # fmt: skip


def title(found: Comparison) -> str:
    """The verdict in a few words: `2 better, 1 worse`."""
    if not found.called:
        return "No call"
    counts = {call: sum(row.call == call for row in found.target_rows) for call in CALLS[:2]}
    told = [f"{count} {call}" for call, count in counts.items() if count]
    return f"B: {', '.join(told)}" if told else "Not told apart"


def values(row: ComparedFigure) -> list[tuple[str, ...]]:
    """(run, A, A's calls, B, B's calls) of each turn, as text."""
    rows: list[tuple[str, ...]] = []
    for turn in range(max(len(row.a), len(row.b))):
        cells: list[str] = [str(turn + 1)]
        for side in (row.a, row.b):
            one = side[turn] if turn < len(side) else None
            cells += [row.kind.shown(one.value) if one else "", f"{one.calls:,}" if one and one.calls else ""]
        rows.append(tuple(cells))
    return rows


def _sent(run: Run) -> dict[str, Any]:
    sent = int(run.sent.sum())
    return {"sent": sent, "ok": int(run.ok.sum())}
