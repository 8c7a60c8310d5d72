from __future__ import annotations

import asyncio
from typing import Any

import jwt
import pytest

from fakes.edge_runtime.key_set import JwksUnavailable, Keys
from fakes.protections.jwks_cache import JwksCache
from fakes.settings import EdgeSettings
from tests.support.manual_clock import ManualClock
from tests.unit.fakes.edge.test_edge_auth import ED_JWK

KEY = jwt.PyJWK(ED_JWK)


class Issuer:
    """A key set behind a gate; counts fetches by cause."""

    def __init__(self) -> None:
        self.clock = ManualClock(0.0)
        self.keys: Keys = {"ed": KEY}
        self.causes: list[str] = []
        self.open = asyncio.Event()
        self.open.set()
        self.down = False
        self.cache = JwksCache(self.fetch, self.causes.append, self.clock)

    async def fetch(self) -> Keys:
        await self.open.wait()
        if self.down:
            raise JwksUnavailable("down")
        return self.keys

    async def ask(self, kid: str = "ed", on: bool = True, **settings: Any) -> jwt.PyJWK | None:
        return await self.cache.key(kid, EdgeSettings.model_validate(settings), on)


async def test_a_cached_set_serves_until_it_is_old() -> None:
    issuer = Issuer()
    for now in (0.0, 299.9, 300.0, 400.0):
        issuer.clock.now = now
        assert await issuer.ask() is KEY
    assert issuer.causes == ["first", "expired"]


async def test_unknown_kids_do_not_refetch_a_cached_set() -> None:
    issuer = Issuer()
    for number in range(20):
        assert await issuer.ask(f"x{number}") is None
    assert issuer.causes == ["first"]


async def test_the_usual_bug_fetches_for_every_unknown_kid() -> None:
    issuer = Issuer()
    for number in range(20):
        await issuer.ask(f"x{number}", jwks_mode="refetch-unknown")
    assert issuer.causes == ["first"] + ["unknown-kid"] * 20


async def test_a_cool_down_bounds_refetches() -> None:
    issuer = Issuer()
    for second in range(0, 70):
        issuer.clock.now = float(second)
        await issuer.ask("x", jwks_mode="cool-down")
    assert issuer.causes == ["first", "unknown-kid", "unknown-kid"]


async def test_a_rotated_key_is_found_after_the_cool_down() -> None:
    issuer = Issuer()
    await issuer.ask(jwks_mode="cool-down")
    issuer.keys = {"new": KEY}
    assert await issuer.ask("new", jwks_mode="cool-down") is None
    issuer.clock.now = 30.0
    assert await issuer.ask("new", jwks_mode="cool-down") is KEY


@pytest.mark.parametrize(("on", "mode"), [(True, "none"), (True, "per-request"), (False, "cached")])
async def test_without_a_cache_every_request_fetches(on: bool, mode: str) -> None:
    issuer = Issuer()
    for _ in range(3):
        assert await issuer.ask(on=on, jwks_mode=mode) is KEY
    assert issuer.causes == ["no-cache"] * 3


@pytest.mark.parametrize(("coalesce", "fetches"), [(True, 1), (False, 10)])
async def test_calls_that_come_while_a_fetch_is_under_way(coalesce: bool, fetches: int) -> None:
    issuer = Issuer()
    issuer.open.clear()
    calls = [asyncio.create_task(issuer.ask(jwks_coalesce=coalesce)) for _ in range(10)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    issuer.open.set()
    assert await asyncio.gather(*calls) == [KEY] * 10
    assert len(issuer.causes) == fetches


async def test_the_caller_that_began_a_fetch_may_leave() -> None:
    issuer = Issuer()
    issuer.open.clear()
    first, second = (asyncio.create_task(issuer.ask()) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    issuer.open.set()
    assert await second is KEY


async def test_known_keys_outlive_an_issuer_that_is_down() -> None:
    issuer = Issuer()
    await issuer.ask()
    issuer.down = True
    issuer.clock.now = 1000.0
    assert await issuer.ask() is KEY


async def test_without_any_keys_a_dead_issuer_is_an_error_and_is_asked_again() -> None:
    issuer = Issuer()
    issuer.down = True
    with pytest.raises(JwksUnavailable):
        await issuer.ask()
    issuer.down = False
    assert await issuer.ask() is KEY
    assert issuer.causes == ["first", "first"]
