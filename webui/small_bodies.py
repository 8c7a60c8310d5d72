"""Requests of the web UI have small bodies: a large one is refused before anybody reads it or stores it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from webui.same_origin import App, Environ

LARGEST: Final = 64 * 1024  # bytes


class SmallBodies:
    """A WSGI application before another one."""

    def __init__(self, app: App) -> None:
        self._app = app

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Refuse, or pass on."""
        status = refused(environ)
        if not status:
            return self._app(environ, start_response)
        start_response(status, [("Content-Type", "text/plain; charset=utf-8"), ("Connection", "close")])
        return [f"body: allowed: at most {LARGEST // 1024} kB, its length told\n".encode()]


def refused(environ: Environ) -> str:
    """The status of a request whose body is too large, or of unknown length; "" for all others."""
    if environ.get("HTTP_TRANSFER_ENCODING"):
        return "411 Length Required"
    length = environ.get("CONTENT_LENGTH") or "0"
    if not (length.isascii() and length.isdigit()):
        return "400 Bad Request"
    size = length.lstrip("0")  # the server reads them away, too
    return "413 Content Too Large" if int(size[:20] or "0") > LARGEST else ""
