"""Puts everything of this room before and into Locust's web UI, before it takes its first request."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from common import ending
from common.addresses.url import is_loopback_name
from run.options import choices
from run.request import RunRequest
from scenarios.options import LOOPBACK
from webui import access, login, pages, stock
from webui.comparing import Comparing
from webui.form import SwarmForm
from webui.live.moment import Leading
from webui.live.onlooker import Onlooker
from webui.same_origin import LOOPBACK_NAMES, SameOrigin
from webui.small_bodies import SmallBodies


def install(web_ui: Any, options: Any, leader: Leading, results: Path, password: str) -> None:
    """`web_ui`: Locust's, not started yet. Raises AccessError when it may not listen where it would."""
    access.check(web_ui.host, password, options.web_login)
    access.check_port(web_ui.host, web_ui.port)
    base_path = options.web_base_path or ""
    app = web_ui.app
    form = SwarmForm(options, choices(), RunRequest.read)
    if password:
        login.require(web_ui, password, base_path)
    stock.guard_swarm(app, form, leader)
    onlooker = Onlooker(leader)
    comparing = Comparing(results, onlooker.busy)
    stock.add_tabs(web_ui, onlooker, results, base_path)
    stock.fit_form(web_ui, form, options)
    app.register_blueprint(pages.blueprint(onlooker, form, comparing, options, results, base_path))
    pages.warm(app)
    hosts = LOOPBACK_NAMES | {web_ui.host} if is_loopback_name(web_ui.host) else None
    app.wsgi_app = SmallBodies(SameOrigin(app.wsgi_app, hosts))
    if web_ui.port:
        ending.say(f"attack page: {_url(web_ui)}{base_path}/attack\n", sys.stderr)


def _url(web_ui: Any) -> str:
    """Where a browser of this machine finds it."""
    host = web_ui.host or LOOPBACK
    name = f"[{host}]" if ":" in host else host
    return f"http{'s' if web_ui.tls_cert else ''}://{name}:{web_ui.port}"
