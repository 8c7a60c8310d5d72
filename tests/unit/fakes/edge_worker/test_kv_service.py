from __future__ import annotations

from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from fakes.edge_runtime.kv import Kv
from fakes.edge_worker.kv_service import KvService
from fakes.http.asgi import Reply
from fakes.settings import KvSettings


class TwoPlaces:
    """A namespace on a manual clock, reached from two places."""

    def __init__(self, **settings: Any) -> None:
        self.now = 1_000_000.0
        self.kv = Kv(lambda: self.now)
        self.settings = KvSettings.model_validate(settings)
        self.places = [KvService(self.kv, lambda: self.settings, place) for place in range(2)]

    def ask(self, method: str, key: str, query: str = "", body: bytes = b"", place: int = 0) -> Reply:
        return self.places[place].answer(method, f"/{quote(key)}?{query}".encode(), body)

    def put(self, key: str, body: bytes, ttl: int | None = 60) -> Reply:
        query = "urlencoded=true" + ("" if ttl is None else f"&expiration_ttl={ttl}")
        return self.ask("PUT", key, query, body)


def test_what_is_put_can_be_got_until_it_expires() -> None:
    service = TwoPlaces()
    assert (service.ask("GET", "a")).status == 404
    assert (service.put("a", b"[1,2]")).status == 200
    assert service.ask("GET", "a") == (200, [], b"[1,2]")
    service.now += 60
    assert (service.ask("GET", "a")).status == 404


def test_without_a_ttl_a_value_stays() -> None:
    service = TwoPlaces()
    service.put("a", b"x", ttl=None)
    service.now += 1e9
    assert (service.ask("GET", "a")).body == b"x"


@pytest.mark.parametrize("ttl", ["59", "0", "-1", "x", "60.5"])
def test_a_ttl_under_a_minute_is_refused_and_writes_nothing(ttl: str) -> None:
    service = TwoPlaces()
    reply = service.ask("PUT", "a", f"expiration_ttl={ttl}", b"x")
    assert reply.status == 400
    assert "at least 60" in msgspec.json.decode(reply.body)["errors"][0]["message"]
    assert service.kv.state()["put"] == 0


def test_a_ttl_under_a_minute_is_a_refusal_that_is_counted() -> None:
    heard: list[tuple[str, str | None]] = []
    service = KvService(Kv(watch=lambda op, cause: heard.append((op, cause))), KvSettings)
    service.answer("PUT", b"/a?expiration_ttl=59", b"x")
    service.answer("PUT", b"/a?expiration_ttl=60", b"x")
    assert heard == [("put", "ttl"), ("put", None)]


def test_a_deleted_key_is_gone_and_counts_as_a_write() -> None:
    service = TwoPlaces()
    service.put("a", b"x")
    assert (service.ask("DELETE", "a")).status == 200
    assert (service.ask("GET", "a")).status == 404
    assert service.kv.state()["put"] == 2


def test_a_list_has_what_the_place_sees() -> None:
    service = TwoPlaces(consistency=30.0)
    for key in ("b:2", "b:1", "a"):
        service.put(key, b"x")
    reply = service.ask("GET", "", "prefix=b%3A")
    expected = {"keys": [{"name": "b:1"}, {"name": "b:2"}], "list_complete": True}
    assert msgspec.json.decode(reply.body) == expected
    assert msgspec.json.decode((service.ask("GET", "", place=1)).body)["keys"] == []
    service.now += 30
    assert len(msgspec.json.decode((service.ask("GET", "", place=1)).body)["keys"]) == 3


def test_beyond_the_quota_it_answers_as_cloudflares_api() -> None:
    service = TwoPlaces(plan="free", writes_per_day=1, reads_per_day=1)
    service.put("a", b"x")
    for reply in (
        service.put("b", b"x"),
        (service.ask("GET", "a"), service.ask("GET", "a"))[1],
    ):
        said = msgspec.json.decode(reply.body)
        assert (reply.status, said["success"], said["errors"][0]["code"]) == (429, False, 10048)


def test_one_write_a_second_to_a_key() -> None:
    service = TwoPlaces(plan="paid")
    service.put("a", b"x")
    assert (service.put("a", b"y")).status == 429
    assert (service.put("b", b"y")).status == 200
    service.now += 1
    assert (service.put("a", b"y")).status == 200


def test_another_place_sees_a_write_after_the_delay() -> None:
    service = TwoPlaces(consistency=30.0)
    service.put("a", b"x")
    assert (service.ask("GET", "a", place=1)).status == 404
    service.now += 30
    assert (service.ask("GET", "a", place=1)).body == b"x"


def test_an_operation_that_kv_does_not_have() -> None:
    assert (TwoPlaces().ask("PATCH", "a")).status == 405


def test_a_key_may_hold_anything() -> None:
    places = TwoPlaces()
    places.put("a b/\u00fc?&:1", b"x")
    assert places.ask("GET", "a b/\u00fc?&:1").body == b"x"
