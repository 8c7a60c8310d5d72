"""What was paid and recorded for each intent, from the tables: for the points E1 to E4.

    {"paid": [key, …],        of each charge that names one
     "recorded": [key, …]}    of each usage row that says `ok` and names one

A key stands there as often as it has rows.
"""

from __future__ import annotations

from typing import Any, Final

import asyncpg

_PAID: Final = "SELECT intent FROM mcpist.credit_transactions WHERE intent IS NOT NULL ORDER BY at"
_RECORDED: Final = """
SELECT intent FROM mcpist.usage WHERE intent IS NOT NULL AND outcome = 'ok' ORDER BY at"""


async def count(dsn: str) -> dict[str, Any]:
    """Both at one instant; raises what asyncpg raises."""
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            paid, recorded = await connection.fetch(_PAID), await connection.fetch(_RECORDED)
    finally:
        await connection.close()
    return {"paid": [row[0] for row in paid], "recorded": [row[0] for row in recorded]}
