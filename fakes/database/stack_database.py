"""The database of a stack: an embedded Postgres, behind PgBouncer where asked for, or one of the user's.

    gateway_dsn   how the origins reach it: through PgBouncer where there is one
    server_dsn    how the gateway's role reaches the server itself
    admin_dsn     how the supervisor reaches it

A Postgres of the user's (`database.dsn`) is reached by its one DSN in every part.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Final

from fakes.control.state import ControlError
from fakes.database import audit, connection_limit, effects, pgbouncer, pool
from fakes.database.database_clients import DatabaseClients
from fakes.database.pgbouncer import PgBouncerChild
from fakes.database.postgres import EmbeddedPostgres
from fakes.database.postgres_child import PostgresChild
from fakes.processes.children import Child, StartError
from fakes.processes.reaper import Reaper
from fakes.settings import DatabaseSettings

TIMEOUT: Final = 25.0  # seconds for a question to the database itself


class StackDatabase:
    """Belongs to the event loop. `folder` is the stack's private one; `clients` are beside the gateway."""

    def __init__(self, settings: DatabaseSettings, folder: Path, reaper: Reaper) -> None:
        self._dsn = settings.dsn.reveal() if settings.dsn is not None else None
        self._postgres: PostgresChild | None = None
        self._pgbouncer: PgBouncerChild | None = None
        if settings.dsn is None:
            home = folder / "postgres"
            server = EmbeddedPostgres(home, settings.max_connections, settings.synchronous_commit)
            self._postgres = PostgresChild(server, reaper)
            program = pgbouncer.installed() if settings.mode == "pooler" else None
            if program is not None:
                self._pgbouncer = PgBouncerChild(program, home, folder / "pgbouncer", settings, reaper)
        self.clients = DatabaseClients(lambda: self.admin_dsn)
        self._log_begins = 0  # where this run's part of Postgres' log begins, bytes
        self._start: asyncio.Future[None] | None = None

    @property
    def children(self) -> list[Child]:
        """Its processes, in the order of their start."""
        return [child for child in (self._postgres, self._pgbouncer) if child is not None]

    @property
    def gateway_dsn(self) -> str:
        """How the origins reach it."""
        return self._pgbouncer.dsn if self._pgbouncer is not None else self.server_dsn

    @property
    def server_dsn(self) -> str:
        """How the gateway's role reaches the server itself."""
        return self._dsn_of("mcpist")

    @property
    def admin_dsn(self) -> str:
        """How the supervisor reaches it."""
        return self._dsn_of("postgres")

    def _dsn_of(self, user: str) -> str:
        if self._postgres is not None:
            return self._postgres.server.dsn(user)
        assert self._dsn is not None
        return self._dsn

    async def start(self) -> None:
        """Start it, with a new schema. Raises StartError."""
        try:
            if self._postgres is not None:
                self._start = asyncio.ensure_future(asyncio.to_thread(self._postgres.start))
                await asyncio.shield(self._start)
            await pool.install(self.admin_dsn)
            if self._pgbouncer is not None:
                self._pgbouncer.start()
        except Exception as error:
            raise StartError(f"database: {type(error).__name__}: {error}") from error

    async def settle(self) -> None:
        """Let a start of Postgres come to its end: a thread cannot be given up half-way."""
        if self._start is not None:
            await asyncio.wait({self._start})

    async def reset(self) -> None:
        """Empty the gateway's tables: credits, transactions, usage. Raises ControlError.

        What Postgres writes in its log from here on is the next run's.
        """
        if self._postgres is not None:
            self._log_begins = self._postgres.server.log_size
        await _in_time(pool.reset(self.admin_dsn))

    async def audit(self) -> dict[str, Any]:
        """The audit so far, once nothing moves; see `fakes.database.audit`. Raises ControlError."""
        found: dict[str, Any] = await _in_time(audit.audit_when_settled(self.admin_dsn))
        return {**found, "problems": audit.problems(found)}

    async def effects(self) -> dict[str, Any]:
        """Charges and usage rows by intent; see `fakes.database.effects`. Raises ControlError."""
        found: dict[str, Any] = await _in_time(effects.count(self.admin_dsn))
        return found

    async def connections(self) -> dict[str, Any]:
        """Where the connection limit is; see `fakes.database.connection_limit`. Raises ControlError.

        It is found by taking every connection that there is: never of a database that is not the stack's own.
        """
        if self._postgres is None:
            raise ControlError("the limit is not tried out on a database of somebody's own (database.dsn)")
        server = self._postgres.server
        found = await _in_time(connection_limit.probe(self.server_dsn, self.admin_dsn))
        log = connection_limit.fatal(server.said(self._log_begins))
        return {**found, "log": log, "pooler": self._pgbouncer is not None}


async def _in_time(work: Coroutine[Any, Any, Any]) -> Any:
    try:
        async with asyncio.timeout(TIMEOUT):
            return await work
    except (TimeoutError, *pool.FAILURES) as error:
        raise ControlError(f"database: {str(error) or 'no answer in time'}") from None
