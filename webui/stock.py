"""Locust's own pages, made to fit: refused forms, our tabs in its polls, a way to the attack page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from flask import Response, jsonify, request

from common.errors import one_line
from webui import runs, tabs
from webui.form import SwarmForm
from webui.live.onlooker import Onlooker
from webui.series.one_at_a_time import Busy

FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
LINK = (
    '<a href="{path}/attack" style="position:fixed;right:16px;bottom:52px;z-index:2000;padding:10px 18px;'
    "border-radius:99px;background:#1b6b4d;color:#fff;font:600 14px system-ui,sans-serif;"
    'text-decoration:none;box-shadow:0 2px 8px rgba(0,0,0,.3)">Attack page</a></body>'
)


def guard_swarm(app: Any, form: SwarmForm, busy: Busy) -> None:
    """Check POST /swarm and POST /user before Locust reads them; a refusal is what its own page can show.

    `busy`: why no run can start now, "" when one can.
    """

    @app.before_request  # type: ignore[untyped-decorator]
    def check() -> Response | tuple[Response, int] | None:
        refusal = REFUSALS.get(request.endpoint or "")
        if refusal is None:
            return None
        if line := refusal(form, busy):
            return jsonify({"success": False, "message": line, "host": ""})
        return (jsonify({}), 201) if refusal is _refusal_of_user else None


def _refusal(form: SwarmForm, busy: Busy) -> str:
    if request.mimetype not in FORMS:
        return f"Content-Type: {request.mimetype[:60]!r}, allowed: {FORMS[0]}"
    if line := busy():
        return line
    try:
        form.check(request.form.items(multi=True))
    except ValueError as refusal:
        return str(refusal)
    return ""


def _refusal_of_user(form: SwarmForm, busy: Busy) -> str:
    """What changes nothing is well, and Locust, which knows no class by its name here, need not see it."""
    if line := busy():
        return line
    try:
        form.check_user(json.loads(request.get_data()), form.check(()).target)
    except ValueError as refusal:  # JSONDecodeError is one
        return one_line(str(refusal))
    return ""


REFUSALS: Final = {"locust.swarm": _refusal, "locust.update_user": _refusal_of_user}


def add_tabs(web_ui: Any, onlooker: Onlooker, results: Path, base_path: str) -> None:
    """Our tabs, and what fills them."""
    web_ui.template_args.update(tabs.template_args())

    @web_ui.app.after_request  # type: ignore[untyped-decorator]
    def fill(response: Response) -> Response:
        if request.endpoint == "locust.request_stats" and response.status_code == 200:
            told = json.loads(response.get_data())
            told["extended_stats"] = extended(onlooker, results, base_path)
            response.set_data(json.dumps(told))
        elif request.endpoint == "locust.index" and response.status_code == 200:
            link = LINK.format(path=base_path)
            response.set_data(response.get_data(as_text=True).replace("</body>", link))
        return response


def extended(onlooker: Onlooker, results: Path, base_path: str) -> list[dict[str, Any]]:
    """The rows of every tab."""
    live = onlooker.moment()
    judged = runs.read(results / live.run) if live.state == "finished" else runs.PastRun("")
    rows = {
        "arrivals": tabs.arrivals(live),
        "target": tabs.target(onlooker.target()),
        "verdict": tabs.verdict(judged),
        "runs": tabs.runs(runs.listed(results), base_path),
    }
    return [{"key": key, "data": data} for key, data in rows.items()]


def fit_form(web_ui: Any, form: SwarmForm, options: Any) -> None:
    """Locust's form: the choices that there are, the settings of the last run, no call for a host."""
    update = web_ui.update_template_args

    def fitted() -> None:
        update()
        shown = web_ui.template_args["extra_options"]
        for key, field in shown.items():
            field["default_value"] = getattr(options, key, field["default_value"])
            field["choices"] = form.choices.get(key)
        web_ui.template_args["missing_host_warning"] = False

    web_ui.update_template_args = fitted
