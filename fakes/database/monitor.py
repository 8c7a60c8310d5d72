"""What the database itself says, asked at most once a scrape over one connection that stays open.

The connection is a superuser's: it is one of `max_connections` like any other, but when the gateway has used
up all that is not reserved, a monitor that has to connect again gets one of the reserved slots. With a
Postgres of the user's (`database.dsn`) it has no such right.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Final

import asyncpg
import msgspec

from fakes.database.pool import FAILURES

WAITING: Final = "waiting for a lock"  # active, says the server
TIMEOUT: Final = 1.0  # seconds; less than a probe waits for the whole answer
STATES: Final = ("active", WAITING, "idle", "idle in transaction", "idle in transaction (aborted)")

_QUERY: Final = f"""
SELECT (SELECT json_object_agg(state, n) FROM (
           SELECT CASE WHEN wait_event_type = 'Lock' THEN '{WAITING}'
                       ELSE coalesce(state, 'starting') END AS state, count(*) AS n FROM pg_stat_activity
           WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() GROUP BY 1) AS by_state)::text,
       n, consumed
FROM (SELECT count(*) AS n, coalesce(sum(amount), 0) AS consumed FROM mcpist.credit_transactions) AS written
"""


class Monitor:
    """Asks the database; never raises."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._connection: Any = None
        self._busy = asyncio.Lock()

    async def ask(self) -> tuple[dict[str, float], float, float] | None:
        """Connections by state, credit transactions, credits consumed; None if it gave no answer."""
        async with self._busy:
            try:
                async with asyncio.timeout(TIMEOUT):
                    return await self._ask()
            except (TimeoutError, *FAILURES):
                self._drop()
                return None

    async def _ask(self) -> tuple[dict[str, float], float, float]:
        if self._connection is None or self._connection.is_closed():
            settings = {"application_name": "mcpist-monitor"}
            self._connection = await asyncpg.connect(self._dsn, server_settings=settings)
        row = await self._connection.fetchrow(_QUERY)
        states = dict.fromkeys(STATES, 0.0) | msgspec.json.decode(row[0] or "{}", type=dict[str, float])
        return states, float(row[1]), float(row[2])

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(*FAILURES):
                connection.terminate()
