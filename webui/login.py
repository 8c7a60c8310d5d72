"""The password before the web UI: every page and every answer is behind it, but for the login itself."""

from __future__ import annotations

import hmac
import secrets
from typing import Any, Final

import gevent
from flask import redirect, request, session, url_for
from flask_login import LoginManager, UserMixin, current_user, login_user  # type: ignore[import-untyped]

OPEN: Final = ("locust.login", "locust.send_assets", "authenticate")
WRONG_PASSWORD_DELAY: Final = 1.0  # seconds until a wrong password is answered


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

    @app.before_request  # type: ignore[untyped-decorator]
    def gate() -> Any:
        known = request.endpoint in OPEN or current_user.is_authenticated
        return None if known else manager.unauthorized()

    @app.route(f"{base_path}/authenticate", methods=["POST"])  # type: ignore[untyped-decorator]
    def authenticate() -> Any:
        return _answer(password)


def _answer(password: str) -> Any:
    if not hmac.compare_digest(request.form.get("password", "").encode(), password.encode()):
        gevent.sleep(WRONG_PASSWORD_DELAY)
        session["auth_error"] = "That is not the password."
        return redirect(url_for("locust.login"))
    session["auth_error"] = None
    login_user(Operator())
    return redirect(url_for("attack.page"))


def _login_form(callback: str) -> dict[str, Any]:
    field = {"label": "Password", "name": "password", "is_secret": True, "is_required": True}
    form = {"inputs": [field], "callback_url": callback, "submit_button_text": "Log in"}
    return {"custom_form": form, "title": "Resilience attacks"}
