"""How an origin reaches Postgres: one query, one value, one round trip.

Modes (`database.mode`):
    pool    an asyncpg pool of pool_size; no connection within acquire_timeout seconds → db_pool_timeout
    none    a connection a query, as large as the server bears
    pooler  the dsn is a transaction-mode pooler's: a pool too, nothing prepared, each query in a
            transaction of its own, so that the pooler keeps it on one server connection
What the server says is passed on word for word as `detail` of db_error. A cancelled query gives its
connection back when the server has confirmed the cancel.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Protocol

import asyncpg

from fakes.http.metrics import Metrics
from fakes.http.reasons import RefusedError
from fakes.settings import DatabaseSettings

SCHEMA: Final = Path(__file__).parent / "sql" / "schema.sql"
QUERY_SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0)
FILL_TIME: Final = 1.0  # seconds, once the old connections are closed
FILL_PAUSE: Final = 0.02  # between two tries
FAILURES: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)


async def install(dsn: str) -> None:
    """Make the schema anew, as an administrator; all data of a run before is gone."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("SET synchronous_commit = on")  # it must outlive a kill of the server
        await connection.execute(SCHEMA.read_text())
    finally:
        await connection.close()


async def reset(dsn: str) -> None:
    """Empty every table: credits and quotas are as at first sight, no transaction is written."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(
            "TRUNCATE mcpist.credits, mcpist.credit_transactions, mcpist.usage, mcpist.rate_windows, "
            "mcpist.sessions, mcpist.answers"
        )
    finally:
        await connection.close()


class ConnectionSource(Protocol):
    """Where connections come from."""

    def connection(self) -> AbstractAsyncContextManager[Any]:
        """A connection for one query."""

    def counts(self) -> tuple[int, int]:
        """Connections in use, connections idle."""

    async def fill(self) -> None:
        """Open what is to be open before a call needs it. Raises what the server or the system says."""

    async def close(self) -> None:
        """Give all connections back to the server, those in use when their query is done."""


class _PooledConnection(asyncpg.Connection):  # type: ignore[misc]
    """Without the reset query, which would be a second round trip: no query here leaves anything."""

    def get_reset_query(self) -> str:
        return ""


class Pool:
    """Connections kept open, at most pool_size of them.

    One that was given back well, while nobody waited, is handed to the next query as it is: asyncpg's own
    acquire and release take a task and a timer each. All else goes by them: waiting, opening, what broke.
    """

    def __init__(self, pool: Any, settings: DatabaseSettings) -> None:
        self._pool = pool
        self._settings = settings
        self._ready: list[Any] = []  # taken from asyncpg's pool, in nobody's use
        self._waiting = 0
        self._closing = False

    @classmethod
    async def new(cls, dsn: str, settings: DatabaseSettings) -> Pool:
        """A pool that has opened nothing yet."""
        pool = await asyncpg.create_pool(
            dsn, min_size=0, max_size=settings.pool_size, max_queries=2**62,
            max_inactive_connection_lifetime=0, connection_class=_PooledConnection, **_session(settings),
        )  # fmt: skip
        return cls(pool, settings)

    async def fill(self) -> None:
        """`pool_open` connections are opened now, so that no call pays for them."""
        async with AsyncExitStack() as held:
            for _ in range(min(self._settings.pool_size, self._settings.pool_open)):
                await held.enter_async_context(self._pool.acquire())

    def connection(self) -> AbstractAsyncContextManager[Any]:
        """A connection of the pool; entering raises RefusedError db_pool_timeout."""
        return _Lent(self)

    async def take(self) -> Any:
        """A connection, to be given back. Raises RefusedError db_pool_timeout."""
        while self._ready:
            connection = self._ready.pop()
            if _open_still(connection):
                return connection
            await self._pool.release(connection)
        return await self._acquired()

    async def give_back(self, connection: Any, well: bool) -> None:
        """Its query is over; `well`: nothing was raised."""
        if well and not self._waiting and not self._closing:
            self._ready.append(connection)
        else:
            await self._pool.release(connection)

    async def _acquired(self) -> Any:
        wait = self._settings.acquire_timeout
        self._waiting += 1
        try:
            return await self._pool.acquire(timeout=wait)
        except TimeoutError:
            size = self._settings.pool_size
            detail = f"all {size} connections of the pool in use for {wait or 0:g} s"
            raise RefusedError("db_pool_timeout", retry_after=1, detail=detail) from None
        finally:
            self._waiting -= 1

    def counts(self) -> tuple[int, int]:
        """Connections in use, connections idle."""
        idle = self._pool.get_idle_size() + sum(map(_open_still, self._ready))
        return self._pool.get_size() - idle, idle

    async def close(self) -> None:
        """Wait for the queries under way, then close."""
        self._closing = True
        while self._ready:
            await self._pool.release(self._ready.pop())
        await self._pool.close()


def _open_still(connection: Any) -> bool:
    """Whether the server has not closed it; asyncpg's pool may have taken it back for that by itself."""
    try:
        return not connection.is_closed()
    except asyncpg.InterfaceError:
        return False


class _Lent:
    """A connection of a pool for one query."""

    __slots__ = ("_connection", "_pool")

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def __aenter__(self) -> Any:
        self._connection = await self._pool.take()
        return self._connection

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self._pool.give_back(self._connection, well=kind is None)


class Pooler(Pool):
    """A pool in front of a pooler."""

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        """A connection in a transaction."""
        async with super().connection() as connection, connection.transaction():
            yield connection


class Direct:
    """A connection a query."""

    def __init__(self, dsn: str, settings: DatabaseSettings) -> None:
        self._dsn = dsn
        self._settings = settings
        self._used = 0

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        """A new connection, closed after use."""
        self._used += 1
        try:
            connection = await asyncpg.connect(self._dsn, **_session(self._settings))
            try:
                yield connection
            finally:
                await connection.close()
        finally:
            self._used -= 1

    def counts(self) -> tuple[int, int]:
        """Connections in use, and no idle one."""
        return self._used, 0

    async def fill(self) -> None:
        """Nothing is opened before a call needs it."""

    async def close(self) -> None:
        """Nothing is kept."""


def _session(settings: DatabaseSettings) -> dict[str, Any]:
    if settings.mode == "pooler":
        return {"statement_cache_size": 0}
    commit = "on" if settings.synchronous_commit else "off"
    session = {"synchronous_commit": commit, "application_name": "mcpist-origin"}
    if settings.lock_timeout is not None:
        session["lock_timeout"] = f"{settings.lock_timeout * 1000:.0f}ms"
    return {"server_settings": session}


def _words(error: BaseException) -> str:
    """What was said, without the hints that asyncpg adds; of the system's errors number and text."""
    return str(error.args[0]) if error.args and not isinstance(error, OSError) else str(error)


def _now(argument: object) -> object:
    return argument() if callable(argument) else argument


async def _new(dsn: str, settings: DatabaseSettings) -> ConnectionSource:
    if settings.mode == "none":
        return Direct(dsn, settings)
    return await (Pooler if settings.mode == "pooler" else Pool).new(dsn, settings)


async def _filled(source: ConnectionSource) -> bool:
    try:
        await source.fill()
    except FAILURES:
        return False
    return True


class Database:
    """The origin's way to Postgres. `down`: it refuses what begins now, as a fault."""

    def __init__(
        self,
        dsn: str,
        settings: DatabaseSettings,
        metrics: Metrics,
        down: Callable[[], bool] = lambda: False,
    ) -> None:
        self._dsn = dsn
        self._settings = settings
        self.down = down
        self._source: ConnectionSource | None = None
        self._opening = asyncio.Lock()
        self.running = 0
        self._seconds = metrics.histogram(
            "mcpist_db_query_duration_seconds",
            "DB queries, waiting for a connection included.",
            QUERY_SECONDS,
        )
        self._errors = metrics.counter("mcpist_db_errors_total", "DB errors.", "code")
        connections = metrics.gauge("mcpist_db_connections", "DB connections.", "state")
        for number, state in enumerate(("used", "idle", "waiting")):
            connections(state).set_function(partial(self._count, number))

    def connections(self) -> tuple[int, int, int]:
        """Connections in use and idle, and queries that wait for one."""
        used, idle = self._source.counts() if self._source is not None else (0, 0)
        return used, idle, max(0, self.running - used)

    def _count(self, number: int) -> float:
        return self.connections()[number]

    async def open(self) -> None:
        """Connect."""
        self._source = await _new(self._dsn, self._settings)
        await self._source.fill()

    async def configure(self, settings: DatabaseSettings) -> None:
        """Go over to new settings, for every query that begins from now on.

        Those under way end on their old connection. The old ones are closed first: the server may not bear
        both. What cannot be opened within `FILL_TIME` is opened when it is needed.
        """
        async with self._opening:
            if settings == self._settings:
                return
            old, self._source = self._source, await _new(self._dsn, settings)
            self._settings, new = settings, self._source
        if old is not None:
            await old.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(FILL_TIME):
                while not await _filled(new):  # noqa: ASYNC110
                    await asyncio.sleep(FILL_PAUSE)

    async def value(self, query: str, *args: object) -> Any:
        """The first value of a query; raises RefusedError db_error or db_pool_timeout.

        An argument that can be called is asked for its value once the connection is there.
        """
        return await self._ask("fetchval", query, args)

    async def rows(self, query: str, *args: object) -> list[Any]:
        """All rows of a query, as tuples; raises as `value`."""
        found: list[Any] = await self._ask("fetch", query, args)
        return found

    async def _ask(self, verb: str, query: str, args: tuple[object, ...]) -> Any:
        began = time.perf_counter()
        self.running += 1
        try:
            if self.down() or self._source is None:
                raise OSError("the database is out of this origin's reach")
            async with self._source.connection() as connection:
                return await getattr(connection, verb)(query, *map(_now, args))
        except RefusedError as refused:
            self._errors(refused.reason).inc()
            raise
        except FAILURES as error:
            raise self._failed(error) from error
        finally:
            self.running -= 1
            self._seconds().observe(time.perf_counter() - began)

    def _failed(self, error: BaseException) -> RefusedError:
        code = getattr(error, "sqlstate", None) or type(error).__name__
        self._errors(code).inc()
        return RefusedError("db_error", detail=_words(error) or code)
