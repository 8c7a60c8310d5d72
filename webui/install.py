"""Puts everything of this room before and into Locust's web UI, before it takes its first request."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import gevent

from common import ending
from common.addresses.url import is_loopback_name
from run.options import choices
from run.request import RunRequest
from scenarios.options import LOOPBACK
from webui import access, login, pages, series_pages, stock
from webui.comparing import Comparing
from webui.form import SwarmForm
from webui.live.moment import Leading
from webui.live.onlooker import Onlooker
from webui.same_origin import LOOPBACK_NAMES, SameOrigin
from webui.series.form import SeriesForm
from webui.series.one_at_a_time import OneAtATime
from webui.series.process import SeriesProcess
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
    onlooker, machine = Onlooker(leader), OneAtATime()
    comparing = Comparing(results, machine.busy)
    running = SeriesProcess(results, machine.busy, gevent.sleep)
    for holder in (onlooker, comparing, running):
        machine.add(holder.busy)
    web_ui.environment.events.quitting.add_listener(lambda **_: running.end())
    stock.guard_swarm(app, form, lambda: leader.busy() or machine.busy())
    stock.add_tabs(web_ui, onlooker, results, base_path)
    stock.fit_form(web_ui, form, options)
    made = pages.blueprint(onlooker, form, comparing, machine.busy, options, results, base_path)
    series_pages.add_series(made, running, SeriesForm(form.choices), onlooker.busy, options, results)
    app.register_blueprint(made)
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
