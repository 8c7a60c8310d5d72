"""Clients beside the gateway that hold what it needs: faults of the database, the supervisor's own.

    db-row-lock            {"account"?}: a transaction that locks one account's credits and works on; the
                           account is the first by id unless it is named
    db-idle-transaction    {"connections"? = 1}: transactions that touched every account's credits (a
                           grant that was never committed) or, from the second on, only read, and whose
                           clients then say nothing more: "idle in transaction"

They connect as the monitor does, with an administrator's rights, so the gateway cannot keep them out. When
the fault is lifted they roll back and leave; if the server went away meanwhile, they are gone already.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import Any, Final

import asyncpg

from fakes.control.state import ControlError
from fakes.database.pool import FAILURES

FAULTS: Final = ("db-row-lock", "db-idle-transaction")
TIMEOUT: Final = 15.0  # seconds to get the locks: transactions under way come first
MAX_CLIENTS: Final = 1000

_FIRST: Final = "SELECT user_id FROM mcpist.credits ORDER BY user_id LIMIT 1"
_LOCK: Final = "SELECT balance FROM mcpist.credits WHERE user_id = $1 FOR UPDATE"
_GRANT: Final = "UPDATE mcpist.credits SET granted = granted"
_READ: Final = "SELECT count(*) FROM mcpist.credits"


class DatabaseClients:
    """Every such client, by the id of its fault."""

    def __init__(self, dsn: Callable[[], str]) -> None:
        self._dsn = dsn
        self._open: dict[str, list[Any]] = {}

    async def begin(self, fault: Mapping[str, Any]) -> None:
        """Connect and take the locks; raises ControlError, and nothing is held."""
        held = self._open[fault["id"]] = []
        try:
            async with asyncio.timeout(TIMEOUT):
                if fault["fault"] == "db-row-lock":
                    await self._lock(held, fault.get("account"))
                else:
                    await self._idle(held, fault.get("connections", 1))
        except BaseException as error:
            await self.end(fault)
            if isinstance(error, (TimeoutError, *FAILURES)):
                raise ControlError(f"{fault['fault']}: {str(error) or 'no lock in time'}") from None
            raise

    def holding(self, fault: Mapping[str, Any]) -> int:
        """How many of its clients hold an open transaction, by the server's own word."""
        open_now = self._open.get(fault["id"], ())
        return sum(not one.is_closed() and one.is_in_transaction() for one in open_now)

    async def end(self, fault: Mapping[str, Any]) -> None:
        """Roll back and leave."""
        for connection in self._open.pop(fault["id"], ()):
            with contextlib.suppress(*FAILURES):
                connection.terminate()

    async def _lock(self, held: list[Any], account: object) -> None:
        connection = await self._connect(held)
        account = account or await connection.fetchval(_FIRST)
        await connection.execute("BEGIN")
        if await connection.fetchval(_LOCK, account) is None:
            raise ControlError(f"db-row-lock: account {account!r} has no credits; allowed: one that has")

    async def _idle(self, held: list[Any], count: object) -> None:
        if not isinstance(count, int) or not 1 <= count <= MAX_CLIENTS:
            raise ControlError(f"db-idle-transaction: connections: {count!r}; allowed: 1 to {MAX_CLIENTS}")
        for number in range(count):
            connection = await self._connect(held)
            await connection.execute("BEGIN")
            await connection.execute(_READ if number else _GRANT)

    async def _connect(self, held: list[Any]) -> Any:
        settings = {"application_name": "mcpist-foreign"}
        connection = await asyncpg.connect(self._dsn(), server_settings=settings)
        held.append(connection)
        return connection
