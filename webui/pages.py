"""The attack page: the form, the run of now, its verdict, past runs and their reports.

/attack               the whole page
/attack/live          its live part, HTML, fetched once a second while somebody looks; so are the next two
/attack/target        what the target's metrics say, HTML
/attack/curves        the run's curves, JSON (`webui.live.curves`); null where `?drawn=` is their key
/attack/runs          its list of past runs, HTML
/attack/runs/<run>    a run's report, from the results folder alone
/attack/compare       POST: two runs, `a` and `b`; JSON with their comparison's address, or why there is none

Those of several runs, and every other page of the results: `webui.series_pages`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec
from flask import (
    Blueprint,
    Response,
    abort,
    jsonify,
    make_response,
    render_template,
    request,
    send_file,
    url_for,
)

from common.protections import NAMES, PRESETS
from scenarios.options import FORM
from verdicts.language.words import Say, chosen
from webui import runs, words
from webui.comparing import CannotCompareError, Comparing
from webui.form import SwarmForm
from webui.live.onlooker import Onlooker
from webui.live.target_rows import TITLES
from webui.scenario_list import entries
from webui.series.one_at_a_time import Busy

PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
REPORT_POLICY: Final = "sandbox allow-scripts allow-downloads allow-popups"  # an origin of its own, not ours


TEMPLATES: Final = Path(__file__).resolve().parent / "templates"


def warm(app: Any) -> None:
    """Compile the templates now: amid a load that would stop its loop for a tenth of a second."""
    for file in TEMPLATES.glob("*.html"):
        app.jinja_env.get_template(file.name)


def blueprint(
    onlooker: Onlooker,
    form: SwarmForm,
    comparing: Comparing,
    busy: Busy,
    options: Any,
    results: Path,
    base_path: str,
) -> Blueprint:
    """The pages under `base_path`. `busy`: why nothing can start now, "" when it can."""
    made = Blueprint(
        "attack",
        __name__,
        url_prefix=f"{base_path}/attack",
        template_folder=str(TEMPLATES),
        static_folder=str(TEMPLATES.with_name("static")),
    )
    say = Say(chosen())
    known = entries(form.choices["scenario"], say.language)
    helpers = {"words": words, "titles": TITLES, "_": say, "language": say.language}

    def live() -> dict[str, Any]:
        now = onlooker.moment()
        run = runs.read(results / now.run) if now.state == "finished" else runs.PastRun("")
        return {"live": now, "run": run, "busy": "" if now.going else busy(), **helpers}

    def target() -> str:
        return render_template("target.html", sources=onlooker.target(), **helpers)

    def page() -> str:
        return render_template(
            "attack.html",
            families=known,
            choices=form.choices,
            help=FORM,
            presets=[*PRESETS, *(f"today,-{name}" for name in PRESETS["today"])],
            protections=NAMES,
            now={key: getattr(options, key) for key in FORM},
            past=runs.listed(results),
            sources=onlooker.target(),
            **live(),
        )

    add(made, "/", "page", page, strict_slashes=False)
    add(made, "/live", "live", lambda: render_template("live.html", **live()))
    add(made, "/target", "target", target)
    add(made, "/curves", "curves", lambda: told_curves(onlooker.curves, say))
    add(made, "/runs", "past", lambda: render_template("runs.html", past=runs.listed(results), **helpers))
    made.add_url_rule("/runs/<name>", "report", lambda name: sandboxed(runs.page(results, name)))
    add(made, "/compare", "compare", lambda: _compared(comparing), methods=["POST"])
    return made


def add(made: Blueprint, rule: str, name: str, text: Callable[[], str | Response], **options: Any) -> None:
    """A page of ours, under our policy, never kept by the browser."""

    def answer() -> Response:
        response = make_response(text())
        response.headers["Content-Security-Policy"] = PAGE_POLICY
        response.headers["Cache-Control"] = "no-store"
        return response

    made.add_url_rule(rule, name, answer, **options)


def told_curves(curves: Callable[[str], dict[str, Any] | None], say: Say) -> Response:
    """Those that the page has not drawn yet, as JSON in its language; null where it has."""
    found = curves(request.args.get("drawn", ""))
    for chart in found["charts"] if found else ():
        chart["title"], chart["unit"] = say(chart["title"]), say(chart["unit"])
        for line in chart["lines"]:
            line["name"] = say(line["name"])
    return Response(msgspec.json.encode(found), mimetype="application/json")


def _compared(comparing: Comparing) -> Response:
    try:
        name = comparing.make(request.form.get("a", ""), request.form.get("b", ""))
    except CannotCompareError as refusal:
        return jsonify({"success": False, "message": str(refusal)})
    return jsonify({"success": True, "url": url_for("attack.result", path=f"{name}/{runs.COMPARISON}")})


def sandboxed(file: Path | None) -> Response:
    """A page of the results, as an origin of its own; 404 for None."""
    if file is None:
        abort(404)
    response = send_file(file, mimetype="text/html", max_age=0)
    response.headers["Content-Security-Policy"] = REPORT_POLICY
    return response
