"""`jwks-cache`: when an isolate fetches the issuer's key set. One cache an isolate.

    mode             fetches
    cached           at first use, and when the set is `ttl` seconds old
    refetch-unknown  also on every unknown kid (the usual bug: a flood of them reaches the issuer)
    cool-down        also on an unknown kid, but not within `cool_down` seconds of the last fetch
    none             for every request; so it is when the protection is off
    per-request      for every request, by a key set made for it: what the real Worker does

With `coalesce`, calls that need a fetch while one is under way wait for that one (but where nothing is kept).
When a fetch fails, keys that are known stay in use; without any, JwksUnavailable.
Seconds of an injected clock. `watch(cause)` hears each fetch: first, expired, unknown-kid, no-cache.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

import jwt

from fakes.edge_runtime.key_set import Fetch, JwksUnavailable, Keys
from fakes.settings import EdgeSettings

UNCACHED: Final = ("none", "per-request")  # modes that keep nothing between requests


class JwksCache:
    """The key set as one isolate knows it."""

    def __init__(
        self, fetch: Fetch, watch: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._fetch, self._watch, self._clock = fetch, watch, clock
        self._keys: Keys | None = None
        self._fetched = 0.0
        self._under_way: asyncio.Task[Keys] | None = None

    async def key(self, kid: str, settings: EdgeSettings, on: bool) -> jwt.PyJWK | None:
        """The key of a kid, None if the issuer has none. Raises JwksUnavailable."""
        mode = settings.jwks_mode if on else "none"
        if mode in UNCACHED:
            self._watch("no-cache")
            return (await self._fetch()).get(kid)
        keys = await self._fresh(settings)
        if kid not in keys and self._refetches(mode, settings):
            keys = await self._refresh("unknown-kid", settings)
        return keys.get(kid)

    def reset(self) -> None:
        """Forget the keys."""
        self._keys = None

    async def _fresh(self, settings: EdgeSettings) -> Keys:
        if self._keys is None:
            return await self._refresh("first", settings)
        if self._clock() - self._fetched >= settings.jwks_ttl:
            return await self._refresh("expired", settings)
        return self._keys

    def _refetches(self, mode: str, settings: EdgeSettings) -> bool:
        if mode == "cool-down":
            return self._clock() - self._fetched >= settings.jwks_cool_down
        return mode == "refetch-unknown"

    async def _refresh(self, cause: str, settings: EdgeSettings) -> Keys:
        if not settings.jwks_coalesce:
            return await self._load(cause)
        if self._under_way is None:
            self._under_way = asyncio.create_task(self._load(cause))
            self._under_way.add_done_callback(self._landed)
        return await asyncio.shield(self._under_way)  # one caller's end must not end it for the others

    def _landed(self, task: asyncio.Task[Keys]) -> None:
        self._under_way = None
        if not task.cancelled():
            task.exception()  # read here, as every caller may have left

    async def _load(self, cause: str) -> Keys:
        self._watch(cause)
        try:
            keys = await self._fetch()
        except JwksUnavailable:
            if self._keys is None:
                raise
            return self._keys
        self._keys, self._fetched = keys, self._clock()
        return keys
