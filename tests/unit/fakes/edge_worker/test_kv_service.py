from __future__ import annotations

from typing import Any

import msgspec
import pytest

from fakes.edge_runtime.kv import Kv
from fakes.edge_worker.kv_service import KvService
from fakes.http.asgi import Message, Reply
from fakes.settings import KvSettings


class TwoPlaces:
    """A namespace on a manual clock, reached from two places."""

    def __init__(self, **settings: Any) -> None:
        self.now = 1_000_000.0
        self.kv = Kv(lambda: self.now)
        self.settings = KvSettings.model_validate(settings)
        self.places = [KvService(self.kv, lambda: self.settings, place) for place in range(2)]

    async def ask(self, method: str, key: str, query: str = "", body: bytes = b"", place: int = 0) -> Reply:
        scope = {"method": method, "path": f"/{key}", "query_string": query.encode(), "state": {"body": body}}
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        await self.places[place](scope, None, send)  # type: ignore[arg-type]
        return Reply(sent[0]["status"], sent[0]["headers"], sent[1]["body"])

    async def put(self, key: str, body: bytes, ttl: int | None = 60) -> Reply:
        query = "urlencoded=true" + ("" if ttl is None else f"&expiration_ttl={ttl}")
        return await self.ask("PUT", key, query, body)


async def test_what_is_put_can_be_got_until_it_expires() -> None:
    service = TwoPlaces()
    assert (await service.ask("GET", "a")).status == 404
    assert (await service.put("a", b"[1,2]")).status == 200
    assert await service.ask("GET", "a") == (200, [(b"content-length", b"5")], b"[1,2]")
    service.now += 60
    assert (await service.ask("GET", "a")).status == 404


async def test_without_a_ttl_a_value_stays() -> None:
    service = TwoPlaces()
    await service.put("a", b"x", ttl=None)
    service.now += 1e9
    assert (await service.ask("GET", "a")).body == b"x"


@pytest.mark.parametrize("ttl", ["59", "0", "-1", "x", "60.5"])
async def test_a_ttl_under_a_minute_is_refused_and_writes_nothing(ttl: str) -> None:
    service = TwoPlaces()
    reply = await service.ask("PUT", "a", f"expiration_ttl={ttl}", b"x")
    assert reply.status == 400
    assert "at least 60" in msgspec.json.decode(reply.body)["errors"][0]["message"]
    assert service.kv.state()["put"] == 0


async def test_a_deleted_key_is_gone_and_counts_as_a_write() -> None:
    service = TwoPlaces()
    await service.put("a", b"x")
    assert (await service.ask("DELETE", "a")).status == 200
    assert (await service.ask("GET", "a")).status == 404
    assert service.kv.state()["put"] == 2


async def test_a_list_has_what_the_place_sees() -> None:
    service = TwoPlaces(consistency=30.0)
    for key in ("b:2", "b:1", "a"):
        await service.put(key, b"x")
    reply = await service.ask("GET", "", "prefix=b%3A")
    expected = {"keys": [{"name": "b:1"}, {"name": "b:2"}], "list_complete": True}
    assert msgspec.json.decode(reply.body) == expected
    assert msgspec.json.decode((await service.ask("GET", "", place=1)).body)["keys"] == []
    service.now += 30
    assert len(msgspec.json.decode((await service.ask("GET", "", place=1)).body)["keys"]) == 3


async def test_beyond_the_quota_it_answers_as_cloudflares_api() -> None:
    service = TwoPlaces(plan="free", writes_per_day=1, reads_per_day=1)
    await service.put("a", b"x")
    for reply in (
        await service.put("b", b"x"),
        (await service.ask("GET", "a"), await service.ask("GET", "a"))[1],
    ):
        said = msgspec.json.decode(reply.body)
        assert (reply.status, said["success"], said["errors"][0]["code"]) == (429, False, 10048)


async def test_one_write_a_second_to_a_key() -> None:
    service = TwoPlaces(plan="paid")
    await service.put("a", b"x")
    assert (await service.put("a", b"y")).status == 429
    assert (await service.put("b", b"y")).status == 200
    service.now += 1
    assert (await service.put("a", b"y")).status == 200


async def test_another_place_sees_a_write_after_the_delay() -> None:
    service = TwoPlaces(consistency=30.0)
    await service.put("a", b"x")
    assert (await service.ask("GET", "a", place=1)).status == 404
    service.now += 30
    assert (await service.ask("GET", "a", place=1)).body == b"x"


async def test_an_operation_that_kv_does_not_have() -> None:
    assert (await TwoPlaces().ask("PATCH", "a")).status == 405
