"""Publishes the public key at /.well-known/jwks.json, for a target that fetches it from us.

A greenlet server beside the load: a target that caches the key asks once in minutes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, Final

from gevent import socket
from gevent.pywsgi import WSGIServer

from common.errors import ConfigError
from targets.auth import host_and_port

PATH: Final = "/.well-known/jwks.json"
StartResponse = Callable[[str, list[tuple[str, str]]], Any]


class JwksServer:
    """Serves `jwks` at `place` ("127.0.0.1:9999"; port 0: any free one) from `start` to `stop`."""

    def __init__(self, place: str, jwks: dict[str, Any]) -> None:
        self.fetches = 0
        self._place = place
        self._body = json.dumps(jwks).encode()
        self._server: Any = None

    @property
    def url(self) -> str:
        """Where the key is, once started."""
        host, port = self._server.server_host, self._server.server_port
        return f"http://{f'[{host}]' if ':' in host else host}:{port}{PATH}"

    def start(self) -> None:
        """Bind and serve. ConfigError when the place is taken or not ours."""
        self._server = WSGIServer(_bound(self._place), self._answer, log=None)
        self._server.start()

    def stop(self) -> None:
        """Close the socket."""
        if self._server is not None:
            self._server.stop(timeout=1)

    def _answer(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] != PATH or environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            start_response("404 Not Found", [("Content-Type", "text/plain")])
            return [b"not found\n"]
        self.fetches += 1
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(self._body)))]
        start_response("200 OK", headers)
        return [self._body if environ["REQUEST_METHOD"] == "GET" else b""]


def check_place(place: str) -> None:
    """It can be bound now. ConfigError when it is taken or not ours."""
    _bound(place).close()


def _bound(place: str) -> Any:
    try:
        return _listener(*host_and_port(place))
    except OSError as error:
        text = f"{place}: {error.strerror}, allowed: a free port on an address of this machine"
        raise ConfigError("target", "auth.serve_jwks", text) from None


def _listener(host: str, port: int) -> Any:
    """A listening socket; OSError, and nothing left open, when it cannot be had."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener
