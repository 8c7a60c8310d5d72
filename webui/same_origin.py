"""Closes the web UI to other sites' pages; Locust itself opens it to all of them by CORS.

| what a hostile page tries | why it fails |
|---|---|
| read an answer across origins | the CORS headers are taken off every answer |
| post a form or JSON to us | a request that changes something must come from our own origin |
| rebind its own name to 127.0.0.1 | on loopback the Host header must name loopback |
| show us inside its frame | X-Frame-Options |

Programs that are no browsers send neither Origin nor Sec-Fetch-Site, and pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final
from urllib.parse import urlsplit

Headers = list[tuple[str, str]]
Environ = dict[str, Any]
App = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

HARMLESS: Final = ("GET", "HEAD", "OPTIONS")
OUR_OWN: Final = ("same-origin", "none")  # none: the person typed the address
LOOPBACK_NAMES: Final = frozenset(("127.0.0.1", "localhost", "::1"))
ADDED: Final = (
    ("X-Frame-Options", "SAMEORIGIN"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
)


class SameOrigin:
    """A WSGI application before another one."""

    def __init__(self, app: App, hosts: frozenset[str] | None) -> None:
        """`hosts`: the names that a Host header may have; None: any."""
        self._app = app
        self._hosts = hosts

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Refuse, or pass on and close the answer's headers."""
        if line := refusal(environ, self._hosts):
            start_response("403 Forbidden", [("Content-Type", "text/plain; charset=utf-8"), *ADDED])
            return [f"{line}\n".encode()]

        def start(status: str, headers: Headers, *error: Any) -> Any:
            return start_response(status, closed(headers), *error)

        return self._app(environ, start)


def refusal(environ: Environ, hosts: frozenset[str] | None) -> str:
    """Why a request is refused, as one line; "" when it is not."""
    host = environ.get("HTTP_HOST", "")
    if hosts is not None and _name(host) not in hosts:
        return "Host: not a name of this machine, allowed: 127.0.0.1 or localhost"
    if environ["REQUEST_METHOD"] in HARMLESS:
        return ""
    origin = environ.get("HTTP_ORIGIN")
    if origin is not None and (not host or urlsplit(origin).netloc != host):
        return "Origin: another site, allowed: the web UI's own pages"
    if environ.get("HTTP_SEC_FETCH_SITE", "none") not in OUR_OWN:
        return "Sec-Fetch-Site: another site, allowed: the web UI's own pages"
    return ""


def closed(headers: Headers) -> Headers:
    """Without what CORS allows, with what keeps other sites out."""
    kept = [(name, value) for name, value in headers if not name.lower().startswith("access-control-")]
    present = {name.lower() for name, _ in kept}
    return kept + [(name, value) for name, value in ADDED if name.lower() not in present]


def _name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
