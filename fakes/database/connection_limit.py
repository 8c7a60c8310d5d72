"""Where is the connection limit? Found from outside: connections are opened one by one until refused.

They are opened as the gateway's role, so what Postgres reserves for superusers is out of their reach. All
of them, and those that others hold by `pg_stat_activity`, are then counted by an administrator's
connection, which was open before the first one. Every connection is closed at the end.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from typing import Any, Final

import asyncpg

MAX_CONNECTIONS: Final = 2000
TIMEOUT: Final = 20.0
NAME: Final = "mcpist-limit-probe"
LOG_LINES: Final = 20
LOOKS: Final = 100  # at who is at the door
BETWEEN_LOOKS: Final = 0.02  # seconds

_HELD: Final = """
SELECT coalesce(nullif(application_name, ''), usename) AS who, count(*) AS n
FROM pg_stat_activity WHERE backend_type = 'client backend' GROUP BY 1 ORDER BY 1
"""
_SETTING: Final = "SELECT current_setting($1, true)"
_FATAL: Final = re.compile(r"FATAL:\s+(.*)$", re.MULTILINE)


async def probe(gateway_dsn: str, admin_dsn: str) -> dict[str, Any]:
    """Open until refused.

    Gives `opened`, `held` (who → connections at the refusal), `limit` (all of them), `max_connections`,
    `reserved`, `refusal` and `sqlstate` as Postgres sent them.
    """
    admin = await asyncpg.connect(admin_dsn, server_settings={"application_name": "mcpist-limit-admin"})
    opened: list[Any] = []
    try:
        async with asyncio.timeout(TIMEOUT):
            refusal = await _open_all(gateway_dsn, opened)
            return {**await _facts(admin), **refusal, "opened": len(opened)}
    finally:
        for connection in opened:
            connection.terminate()
        await admin.close()


async def _open_all(dsn: str, opened: list[Any]) -> dict[str, Any]:
    """Fill `opened`; what the server said when it had enough."""
    while len(opened) < MAX_CONNECTIONS:
        try:
            opened.append(await asyncpg.connect(dsn, server_settings={"application_name": NAME}))
        except asyncpg.PostgresError as error:
            return {"refusal": str(error), "sqlstate": error.sqlstate}
    return {"refusal": None, "sqlstate": None}


async def _facts(admin: Any) -> dict[str, Any]:
    held = await _held(admin)
    settings = [
        int(await admin.fetchval(_SETTING, name) or 0)
        for name in ("max_connections", "superuser_reserved_connections", "reserved_connections")
    ]
    return {
        "held": held,
        "limit": sum(held.values()),
        "max_connections": settings[0],
        "reserved": settings[1] + settings[2],
    }


async def _held(admin: Any) -> dict[str, int]:
    """Who holds how many.

    Who has no role yet is let in or turned away a moment later, and holds nothing then: so nobody is counted
    while somebody is at the door.
    """
    for _ in range(LOOKS):
        found = {row["who"]: row["n"] for row in await admin.fetch(_HELD)}
        if None not in found:
            break
        await asyncio.sleep(BETWEEN_LOOKS)
    return {who: count for who, count in found.items() if who is not None}


def fatal(log: str) -> dict[str, int]:
    """What the server wrote down when it turned somebody away → how often, most frequent first."""
    return dict(Counter(_FATAL.findall(log)).most_common(LOG_LINES))
