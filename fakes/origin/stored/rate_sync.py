"""Origins tell each other their rate-limit counts through the database, every `rate_sync` seconds.

What one wrote after the other's last look is unknown to it until the next: that gap is the error of a
split state. One round trip a sync.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from fakes.database.pool import Database
from fakes.http.metrics import Metrics
from fakes.http.reasons import RefusedError
from fakes.protections.rate_limit import RateLimit

SYNC: Final = "SELECT user_id, count FROM mcpist.sync_rates($1, $2, $3::text[], $4::integer[])"


class RateSync:
    """Writes this origin's counts and reads the others'."""

    def __init__(self, database: Database, origin: str, metrics: Metrics) -> None:
        self._database = database
        self._origin = origin
        self._done = metrics.counter("mcpist_rate_limit_sync_total", "Syncs of rate-limit counts.")

    async def once(self, limiter: RateLimit) -> None:
        """One sync; raises RefusedError when the database is away."""
        index, told = limiter.dirty()
        rows = await self._database.rows(SYNC, self._origin, index, list(told), list(told.values()))
        limiter.learn(index, told, {user: int(count) for user, count in rows})
        self._done().inc()

    async def run(self, limiter: Callable[[], RateLimit], turn: Callable[[], Awaitable[None]]) -> None:
        """Sync each time a `turn` is over, for ever; a database that is away is tried again at the next."""
        while True:
            await turn()
            try:
                await self.once(limiter())
            except RefusedError:
                continue
