"""Where InfluxDB should be: what is no acknowledgement of its own keeps the points in the spool."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from common.errors import ConfigError
from telemetry.delivery.sender import deliver
from telemetry.delivery.sink import WriteResult
from telemetry.delivery.spool import Spool
from telemetry.influx import client
from telemetry.influx.client import NOT_INFLUX, InfluxSink, Settings

pytestmark = pytest.mark.e2e

ENV = {
    "INFLUXDB_V2_URL": "http://127.0.0.1:1", "INFLUXDB_V2_TOKEN": "s3cret", "INFLUXDB_V2_ORG": "o",
    "INFLUXDB_V2_BUCKET": "b",
}  # fmt: skip
Answer = tuple[int, dict[str, str], bytes]
OURS = {"X-Influxdb-Version": "v2.7.12"}
TAKEN: dict[str, Answer] = {
    "InfluxDB 1.8": (204, {"X-Influxdb-Version": "1.8.10", "X-Influxdb-Build": "OSS"}, b""),
    "InfluxDB 2": (204, {"X-Influxdb-Build": "OSS", "X-Influxdb-Version": "v2.7.12"}, b""),
    "InfluxDB 3": (204, {"cluster-uuid": "d3a6"}, b""),
}
NOT_TAKEN: dict[str, tuple[Answer, str]] = {
    "a web page": ((200, {"Content-Type": "text/html"}, b"<html>Welcome</html>"), NOT_INFLUX),
    "an empty 200": ((200, {}, b""), NOT_INFLUX),
    "an empty 200 of its own": ((200, OURS, b""), NOT_INFLUX),
    "a 204 of somebody else": ((204, {"Server": "nginx"}, b""), NOT_INFLUX),
    "a 202 of a queue": ((202, OURS, b""), NOT_INFLUX),
    "a redirect to a page": ((302, {"Location": "/login"}, b""), ""),
    "a redirect that keeps the method": ((307, {"Location": "/login"}, b""), ""),
    "a proxy's error page": (
        (502, {"Content-Type": "text/html"}, b"<html>Bad gateway</html>"),
        "Bad gateway",
    ),
    "a page in another encoding": ((502, {}, "<h1>エラー</h1>".encode("shift_jis")), "<h1>"),
    "not allowed": ((405, {}, b""), ""),
}


class Place:
    """A server that answers every write alike, and /login with a page."""

    def __init__(self, answer: Answer) -> None:
        self.answer, self.asked = answer, list[tuple[str, str]]()


@contextlib.contextmanager
def answering(answer: Answer) -> Iterator[tuple[dict[str, str], Place]]:
    place = Place(answer)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            place.asked.append(("POST", self.path))
            self._answer(*place.answer)

        def do_GET(self) -> None:
            place.asked.append(("GET", self.path))
            self._answer(200, {"Content-Type": "text/html"}, b"<html>Log in</html>")

        def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response_only(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status != 204:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield {**ENV, "INFLUXDB_V2_URL": f"http://127.0.0.1:{server.server_port}"}, place
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("name", TAKEN)
def test_every_versions_own_answer_is_an_acknowledgement(name: str, tmp_path: Any) -> None:
    with answering(TAKEN[name]) as (env, place):
        assert client.check(env) is None
        sink, spool = InfluxSink(Settings.needed(env)), Spool(tmp_path / "queue")
        spool.append(["a b=1 1", "é b=2 2"])
        assert deliver(sink, spool)[1] == 2
        assert spool.points == 0
        sink.close()
        spool.close()
        assert {method for method, _ in place.asked} == {"POST"}


@pytest.mark.parametrize("name", NOT_TAKEN)
def test_nothing_else_is(name: str, tmp_path: Any) -> None:
    answer, said = NOT_TAKEN[name]
    with answering(answer) as (env, place):
        warning = client.check(env)
        assert warning is not None
        assert f"HTTP {answer[0]}" in warning
        assert said in warning
        assert "kept on disk" in warning
        sink, spool = InfluxSink(Settings.needed(env)), Spool(tmp_path / "queue")
        spool.append(["a b=1 1", "a b=2 2"])
        reply, taken = deliver(sink, spool)
        assert reply is not None
        assert (reply.answer, reply.status, taken, spool.points) == (WriteResult.LATER, answer[0], 0, 2)
        sink.close()
        spool.close()
        assert {method for method, _ in place.asked} == {"POST"}  # a redirect is followed by nobody


BAD = {
    "a token with a newline": ("INFLUXDB_V2_TOKEN", "s3cret\nX-Evil: 1"),
    "a token with a blank": ("INFLUXDB_V2_TOKEN", "s3cret s3cret"),
    "a token beyond ASCII": ("INFLUXDB_V2_TOKEN", "s3crét-s3cret"),
    "user info": ("INFLUXDB_V2_URL", "http://me:s3cret@127.0.0.1:8086"),
    "a query": ("INFLUXDB_V2_URL", "http://127.0.0.1:8086/?token=s3cret"),
    "a newline in the URL": ("INFLUXDB_V2_URL", "http://127.0.0.1:8086/\n?s3cret"),
    "another scheme": ("INFLUXDB_V2_URL", "ftp://127.0.0.1/?s3cret"),
    "an address in disguise": ("INFLUXDB_V2_URL", "http://2130706433:8086"),
    "a bucket with a newline": ("INFLUXDB_V2_BUCKET", "b\nc"),
    "an organisation with a control character": ("INFLUXDB_V2_ORG", "o\x07"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_work_is_refused_in_one_line_that_shows_no_secret(name: str) -> None:
    variable, value = BAD[name]
    with pytest.raises(ConfigError, match=f"^environment: {variable}: .*allowed: ") as refused:
        client.check({**ENV, variable: value})
    assert "s3cr" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_settings_print_no_token() -> None:
    settings = Settings.needed(ENV)
    assert "s3cret" not in repr(settings)
    assert settings.token.reveal() == "s3cret"
