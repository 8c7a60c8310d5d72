"""A proxy in front of InfluxDB that misbehaves on demand: refuses, answers 503, or is slow."""

from __future__ import annotations

import contextlib
import http.client
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PASSED = ("x-influxdb-", "content-type")  # headers, by how they begin
Passed = tuple[int, bytes, dict[str, str]]  # status, body and the headers of the database's own


class FaultProxy:
    """`status`: answered instead of passing on (`after`: once passed on); `delay`: s before each answer."""

    def __init__(self, port: int) -> None:
        self.status = 0
        self.body = b'{"code":"unavailable","message":"full"}'
        self.delay = 0.0
        self.after = False
        self.requests = 0
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                proxy.handle(self, port)

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def handle(self, request: BaseHTTPRequestHandler, port: int) -> None:
        self.requests += 1
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        time.sleep(self.delay)
        own: dict[str, str] = {}
        status, answer = self.status, self.body
        if not self.status or self.after:
            passed = self._pass_on(request, port, body)
            status, answer, own = (self.status, self.body, own) if self.status else passed
        request.send_response(status)
        for name, value in own.items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(answer)))
        request.end_headers()
        with contextlib.suppress(ConnectionError):  # the client gave up on a slow answer
            request.wfile.write(answer)

    def _pass_on(self, request: BaseHTTPRequestHandler, port: int, body: bytes) -> Passed:
        upstream = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            upstream.request("POST", request.path, body, dict(request.headers))
            answer = upstream.getresponse()
            own = {name: value for name, value in answer.getheaders() if name.lower().startswith(PASSED)}
            return answer.status, answer.read(), own
        except OSError:  # the database is down
            return 502, b"", {}
        finally:
            upstream.close()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
