"""The page of several runs: a suite, the plan, a comparison, a search.

/attack/series         the whole page
/attack/series/live    its live part, HTML, fetched once a second while somebody looks
/attack/series/curves  the curves of its run of now, JSON, as /attack/curves has them
/attack/series/past    those that are over, HTML
/attack/series/start   POST: `command` and its options; JSON: whether its first run begins, or why not
/attack/series/stop    POST: tell it to end
/attack/results/<path> a page of the results folder: suite.html and its like, and the reports of their runs
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Final

from flask import Blueprint, Response, jsonify, render_template, request

from common.protections import PRESETS
from scenarios.option import Option
from scenarios.options import SEVERAL
from verdicts.language.words import Say, chosen
from webui import words
from webui.pages import add, sandboxed, told_curves
from webui.scenario_list import entries
from webui.series import past
from webui.series.form import SeriesForm, SeriesFormError, fields
from webui.series.one_at_a_time import Busy
from webui.series.process import SeriesNow, SeriesProcess, SeriesRefusedError
from webui.series.run_of_now import RunOfNow

TITLES: Final = {
    "suite": "Suite",
    "plan": "The resilience plan",
    "compare": "Comparison",
    "breakpoint": "Breakpoint search",
    "tune": "Search for limits",
    "metastable": "Search for metastable states",
}
TOLD: Final = {
    "suite": "The scenarios of a suite on one stack, one report.",
    "plan": "Every question of the resilience plan, answered on one page.",
    "compare": "Is one set of protections better than another? Both in turns under the same attack.",
    "breakpoint": "The highest rate that a gateway bears; without protections of your own, the whole table.",
    "tune": "The values of the plan's limits at which attacks are held and innocent users lose least.",
    "metastable": "The loads and triggers from which it does not come back, though they are gone.",
}
STATES: Final = {
    "idle": "Nothing yet",
    "starting": "Checking what was asked",
    "going": "Under way",
    "stopping": "Stopping: the run under way writes its report",
    "finished": "Finished",
}
LABELS: Final = {
    "scenario": "Scenario", "target": "Target", "protect": "Protections", "accounts": "Accounts",
    "rate": "Rate of each, req/s", "duration": "Duration", "tier": "Plan of the accounts", "seed": "Seed",
    "duration_scale": "Time scale", "stack": "Stack", "nano": "Nano of a real origin",
    "a": "Protections of A", "b": "Protections of B", "runs": "Runs a side", "budget": "Time in all",
    "mode": "Mode", "plan": "Suite", "agents": "Agents", "loads": "Loads", "lengths": "Triggers",
    "growth": "Sizes (MAU)",
}  # fmt: skip
HELP: Final = {  # where the form has not what the command has: its folder is always a new one
    "growth": "sizes in monthly active users, by comma: from which on a limit of the plan has to change. "
    "From the set that a search found: make tune OUT=its-folder GROWTH=10,100",
}
FIRST: Final = (
    *("scenario", "plan", "mode", "a", "b", "runs", "agents"),
    *("protect", "duration", "budget", "target"),
)


def add_series(
    made: Blueprint,
    running: SeriesProcess,
    form: SeriesForm,
    busy: Busy,
    options: Any,
    results: Path,
) -> None:
    """Add the pages to `made`. `busy`: why none can start now beside this process's own, "" when it can."""
    say = Say(chosen())
    known = entries([name for name in form.choices["scenario"] if name], say.language)
    helpers = {"words": words, "_": say, "language": say.language, "titles": TITLES}

    def live() -> dict[str, Any]:
        return {**shown(running.now(), results, time.time()), "busy": busy(), "states": STATES, **helpers}

    def page() -> str:
        commands = {command: parted(fields(command)) for command in SEVERAL}
        return render_template(
            "series.html", commands=commands, about=TOLD, labels=LABELS, helps=HELP, choices=form.choices,
            families=known, presets=PRESETS, target=options.target, past=past.listed(results), **live(),
        )  # fmt: skip

    add(made, "/series", "series", page)
    add(made, "/series/live", "series_live", lambda: render_template("series_live.html", **live()))
    watching = RunOfNow(lambda: results / running.now().folder if running.now().going else None)
    add(made, "/series/curves", "series_curves", lambda: told_curves(watching.curves, say))
    add(
        made,
        "/series/past",
        "series_past",
        lambda: render_template("series_past.html", past=past.listed(results), **helpers),
    )
    add(made, "/series/start", "series_start", lambda: _start(running, form), methods=["POST"])
    add(made, "/series/stop", "series_stop", lambda: _stop(running), methods=["POST"])
    made.add_url_rule("/results/<path:path>", "result", lambda path: sandboxed(past.page(results, path)))


def parted(options: list[Option]) -> tuple[list[Option], list[Option]]:
    """(the fields that stand open, those under More)."""
    order = {name: place for place, name in enumerate(FIRST)}
    first = sorted((one for one in options if one.name in order), key=lambda one: order[one.name])
    return first, [one for one in options if one.name not in order]


def shown(now: SeriesNow, results: Path, moment: float) -> dict[str, Any]:
    """What the live part shows: `left` in seconds, `report` where it is there, the step of now, the next.

    `moment` is Unix seconds.
    """
    told = now.told
    page = told.page if told else ""
    there = bool(page) and past.page(results, f"{now.folder}/{page}") is not None
    current = told.current if told and now.going else None
    return {
        "now": now,
        "told": told,
        "current": current,
        "waiting": told.waiting if told and now.going and not now.stopping else (),
        "left": told.left(moment) if told and now.going else 0.0,
        "share": told.share(moment) if told else 0.0,
        "report": f"{now.folder}/{page}" if there else "",
        "reports": _reports(now, results),
    }


def _reports(now: SeriesNow, results: Path) -> list[str]:
    """The path of each step's own report, "" where there is none."""
    paths = [f"{now.folder}/{step.folder}/{past.REPORT}" if step.folder else "" for step in _steps(now)]
    return [path if path and past.page(results, path) else "" for path in paths]


def _steps(now: SeriesNow) -> Any:
    return now.told.steps if now.told else ()


def _start(running: SeriesProcess, form: SeriesForm) -> Response:
    try:
        running.start(form.words(request.form.items(multi=True)))
    except (SeriesFormError, SeriesRefusedError) as refusal:
        return jsonify({"success": False, "message": str(refusal)})
    return jsonify({"success": True})


def _stop(running: SeriesProcess) -> Response:
    running.stop()
    return jsonify({"success": True})
