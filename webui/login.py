"""The password before the web UI: every page and every answer is behind it, but for the login itself."""

from __future__ import annotations

import secrets
from typing import Any, Final

import gevent
from flask import Response, redirect, request, session, url_for
from flask_login import LoginManager, UserMixin, current_user, login_user  # type: ignore[import-untyped]

from webui.guesses import Guess, Guesses

OPEN: Final = ("locust.login", "locust.send_assets", "authenticate")
WRONG: Final = "That is not the password."
NOT_NOW: Final = "Another attempt at the password is under way. Try again in a while.\n"


class Operator(UserMixin):  # type: ignore[misc]
    """Whoever knows the password; there is one."""

    id = "operator"


def require(web_ui: Any, password: str, base_path: str) -> None:
    """Put Locust's login page before everything that `web_ui` serves."""
    app = web_ui.app
    app.secret_key = secrets.token_bytes(32)  # a restart ends every session
    app.config.update(SESSION_COOKIE_SAMESITE="Strict", SESSION_COOKIE_SECURE=bool(web_ui.tls_cert))
    manager = LoginManager(app)
    manager.login_view = "locust.login"
    manager.user_loader(lambda identity: Operator() if identity == Operator.id else None)
    web_ui.web_login, web_ui.login_manager = True, manager
    web_ui.auth_args = _login_form(f"{base_path}/authenticate")

    guesses = Guesses(password, gevent.sleep)

    @app.before_request  # type: ignore[untyped-decorator]
    def gate() -> Any:
        known = request.endpoint in OPEN or current_user.is_authenticated
        return None if known else manager.unauthorized()

    @app.route(f"{base_path}/authenticate", methods=["POST"])  # type: ignore[untyped-decorator]
    def authenticate() -> Any:
        return _answer(guesses)


def _answer(guesses: Guesses) -> Any:
    came_to = guesses.attempt(request.form.get("password", ""))
    if came_to is Guess.NOT_NOW:
        return Response(NOT_NOW, 429, {"Retry-After": "1", "Content-Type": "text/plain"})
    session["auth_error"] = WRONG if came_to is Guess.WRONG else None
    if came_to is Guess.WRONG:
        return redirect(url_for("locust.login"))
    login_user(Operator())
    return redirect(url_for("attack.page"))


def _login_form(callback: str) -> dict[str, Any]:
    field = {"label": "Password", "name": "password", "is_secret": True, "is_required": True}
    form = {"inputs": [field], "callback_url": callback, "submit_button_text": "Log in"}
    return {"custom_form": form, "title": "Resilience attacks"}
