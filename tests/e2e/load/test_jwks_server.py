"""The published key over a real socket; the client is in a thread, since the server is a greenlet."""

import json
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from multiprocessing.pool import ThreadPool
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import gevent
import jwt
import pytest

from common.errors import ConfigError
from users.accounts.jwks_server import PATH, JwksServer
from users.accounts.keys import fresh_key

pytestmark = pytest.mark.e2e
KEY = fresh_key("EdDSA", "key-1")


@pytest.fixture
def server() -> Iterator[JwksServer]:
    made = JwksServer("127.0.0.1:0", KEY.jwks())
    made.start()
    yield made
    made.stop()


def fetch(url: str, method: str = "GET") -> tuple[int, bytes]:
    try:
        request = Request(url, method=method)
        with build_opener(ProxyHandler({})).open(request, timeout=30) as answer:
            return answer.status, answer.read()
    except HTTPError as error:
        with error:
            return error.code, error.read()


def fetched(url: str, method: str = "GET") -> tuple[int, bytes]:
    result: Any = gevent.get_hub().threadpool.apply(fetch, (url, method))
    return result[0], result[1]


def test_the_key_is_published_and_verifies_a_token(server: JwksServer) -> None:
    status, body = fetched(server.url)
    assert status == 200
    published = jwt.PyJWKSet.from_dict(json.loads(body))["key-1"]
    token = jwt.encode({"sub": "ana"}, KEY.private, algorithm="EdDSA")
    assert jwt.decode(token, published.key, algorithms=["EdDSA"]) == {"sub": "ana"}
    assert server.fetches == 1


def test_a_head_request_has_no_body(server: JwksServer) -> None:
    assert fetched(server.url, "HEAD") == (200, b"")


def test_anything_else_is_not_there(server: JwksServer) -> None:
    for url, method in ((server.url + "x", "GET"), (server.url, "POST")):
        assert fetched(url, method)[0] == 404
    assert server.fetches == 0


def test_a_connection_carries_many_fetches(server: JwksServer) -> None:
    host, port = server.url.split("/")[2].split(":")

    def many() -> list[int]:
        connection = HTTPConnection(host, int(port), timeout=10)
        statuses = []
        for _ in range(20):
            connection.request("GET", PATH)
            answer = connection.getresponse()
            answer.read()
            statuses.append(answer.status)
        connection.close()
        return statuses

    assert gevent.get_hub().threadpool.apply(many) == [200] * 20
    assert server.fetches == 20


def test_what_was_fetched_is_known_after_the_end(server: JwksServer) -> None:
    fetched(server.url)
    server.stop()
    assert server.fetches == 1
    server.stop()


def test_a_fetch_never_waits_for_the_load(server: JwksServer) -> None:
    """The loop of this process, where the load is made, stands still: the key is there all the same."""
    threads = ThreadPool(1)
    took = threads.apply_async(timed, (server.url,))
    time.sleep(0.6)  # not gevent's: nothing else runs in this thread meanwhile
    assert took.get(5) < 0.5
    threads.terminate()


def timed(url: str) -> float:
    began = time.monotonic()
    assert fetch(url)[0] == 200
    return time.monotonic() - began


def test_a_taken_place_is_one_line(server: JwksServer) -> None:
    place = server.url.split("/")[2]
    with pytest.raises(ConfigError, match=f"auth.serve_jwks: {place}: Address already in use"):
        JwksServer(place, KEY.jwks()).start()
