"""The published key over a real socket; the client is in a thread, since the server is a greenlet."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import gevent
import jwt
import pytest

from common.errors import ConfigError
from users.accounts.jwks_server import JwksServer
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


def test_a_taken_place_is_one_line(server: JwksServer) -> None:
    place = server.url.split("/")[2]
    with pytest.raises(ConfigError, match=f"auth.serve_jwks: {place}: Address already in use"):
        JwksServer(place, KEY.jwks()).start()
