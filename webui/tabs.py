"""Four tabs in Locust's own UI, filled with each of its polls: Arrivals, Target, Verdict, Runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from webui import words
from webui.live.moment import Moment
from webui.live.target_rows import TITLES
from webui.runs import PastRun

Rows = list[dict[str, str]]
STRUCTURE: Final = {
    "arrivals": {"what": "Arrivals", "figure": "Figure", "means": "Meaning"},
    "target": {"source": "Source", "up": "Answers", **TITLES},
    "verdict": {
        "point": "Point",
        "question": "Question",
        "value": "Value",
        "threshold": "Threshold",
        "status": "Status",
        "basis": "Basis",
    },
    "runs": {
        "run": "Run",
        "verdict": "Verdict",
        "scenario": "Scenario",
        "protections": "Protections",
        "target": "Target",
        "report": "Report",
    },
}
MEANINGS: Final = {
    "planned": "due by the schedule",
    "sent": "gone out",
    "in_flight": "waiting for their answers now",
    "ok": "answered with a result",
    "failed": "refused, or an error",
    "late": "sent too late, of those sent",
    "dropped": "never sent: the generator could not",
}


def template_args() -> dict[str, Any]:
    """What Locust's page has to know of the tabs."""
    tables = [
        {"key": key, "structure": [{"key": column, "title": title} for column, title in columns.items()]}
        for key, columns in STRUCTURE.items()
    ]
    titles = [{"title": key.capitalize(), "key": key} for key in STRUCTURE]
    return {"extended_tabs": titles, "extended_tables": tables}


def arrivals(live: Moment) -> Rows:
    """The run's state, its ledger, its start delay."""
    state = {"what": "state", "figure": live.text, "means": live.note or live.run}
    delay = [
        {"what": f"start delay {name}", "figure": words.milliseconds(live.delay.get(name)), "means": means}
        for name, means in (("p50", "of the last calls"), ("p99", ""), ("max", ""))
    ]
    counts = [
        {"what": key.replace("_", " "), "figure": words.count(live.sums[key]), "means": means}
        for key, means in MEANINGS.items()
    ]
    return [state, *counts, *delay]


def target(sources: Sequence[dict[str, Any]]) -> Rows:
    """What each source said last."""
    return [
        {
            "source": row["source"],
            "up": "yes" if row["up"] else "no",
            **{column: _figure(row, column) for column in TITLES},
        }
        for row in sources
    ]


def _figure(row: dict[str, Any], column: str) -> str:
    shown = words.figure(row[column])
    return f"{shown} (modelled)" if column in row["modelled"] else shown


def verdict(run: PastRun) -> Rows:
    """The verdict and its points; nothing before there is one."""
    if not run.verdict:
        return []
    whole = {"point": "verdict", "question": run.scenario, "value": run.verdict, "threshold": ""}
    first = {**whole, "status": run.verdict, "basis": run.stop_reason}
    return [first, *[_point(point) for point in run.points]]


def _point(point: dict[str, Any]) -> dict[str, str]:
    same = {key: str(point[key]) for key in ("question", "threshold", "status", "basis")}
    return {"point": point["id"], "value": words.measured(point), **same}


def runs(found: Sequence[PastRun], base_path: str) -> Rows:
    """The runs of the results folder."""
    return [
        {
            "run": run.name,
            "verdict": run.verdict or words.NOTHING,
            "scenario": run.scenario,
            "protections": run.protections,
            "target": run.target,
            "report": f"{base_path}/attack/runs/{run.name}" if run.has_report else words.NOTHING,
        }
        for run in found
    ]
