"""The answers that `idempotency` keeps, in the database that both origins share; a run begins without any."""

from __future__ import annotations

import contextlib
from typing import Final

from fakes.database.pool import Database
from fakes.http.reasons import RefusedError
from fakes.origin.tool_call import ToolResult

FIND: Final = """
SELECT text, is_error FROM mcpist.answers
WHERE key = $1 AND at > clock_timestamp() - make_interval(secs => $2)"""
REMEMBER: Final = """
INSERT INTO mcpist.answers (key, text, is_error) VALUES ($1, $2, $3)
ON CONFLICT (key) DO UPDATE SET text = excluded.text, is_error = excluded.is_error, at = excluded.at"""


class Answers:
    """Implements `fakes.protections.idempotency.AnswerStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, key: str, keep: float) -> ToolResult | None:
        """An answer of the last `keep` seconds. Raises RefusedError: nobody knows whether there is one."""
        rows = await self._database.rows(FIND, key, keep)
        return ToolResult(rows[0][0], rows[0][1], None) if rows else None

    async def remember(self, key: str, answer: ToolResult) -> None:
        """Keep it. Where that cannot be done the caller has its answer all the same."""
        with contextlib.suppress(RefusedError):
            await self._database.value(REMEMBER, key, answer.text, answer.is_error)
