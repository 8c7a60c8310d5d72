"""A receiver of OTLP over HTTP on loopback; what it has stored outlives `stop` and the next `start`."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from google.protobuf.message import DecodeError

from cli.launch.local_workers import free_port
from tests.support.otlp.store import METRICS, TRACES, OtlpStore

PROTOBUF = "application/x-protobuf"


class OtlpReceiver:
    """Each request has a connection of its own, so that one that is stopped is really away."""

    def __init__(self) -> None:
        self.store = OtlpStore()
        self.seen: list[dict[str, str]] = []  # headers
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._server: ThreadingHTTPServer | None = None

    @property
    def env(self) -> dict[str, str]:
        """The variable that switches both signals on."""
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": self.url}

    def start(self) -> None:
        """Listen."""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver.handle(self)

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def handle(self, request: BaseHTTPRequestHandler) -> None:
        """Answer one request as the specification has it."""
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        if request.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.seen.append(dict(request.headers))
        status, answer = 200, b""
        if request.path not in (METRICS, TRACES):
            status = 404
        elif request.headers.get("Content-Type") != PROTOBUF:
            status = 415
        else:
            try:
                answer = self.store.take(request.path, body)
            except DecodeError:
                status = 400
        request.send_response(status)
        request.send_header("Content-Type", PROTOBUF)
        request.send_header("Content-Length", str(len(answer)))
        request.end_headers()
        request.wfile.write(answer)

    def stop(self) -> None:
        """Go away."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    kill = stop


@contextmanager
def otlp_receiver() -> Iterator[OtlpReceiver]:
    """A receiver that listens."""
    found = OtlpReceiver()
    found.start()
    try:
        yield found
    finally:
        found.stop()
