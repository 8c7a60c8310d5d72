"""Pool, no pool, pooler: what a call meets when connections run out, and that none is lost."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from fakes.database import pool
from fakes.database.pool import Database
from fakes.database.postgres import EmbeddedPostgres
from fakes.http.metrics import Metrics
from fakes.http.reasons import RefusedError
from fakes.settings import DatabaseSettings
from tests.support import needs

pytestmark = pytest.mark.e2e
CHARGE = "SELECT mcpist.charge($1, $2, 1, 'a', 100, 100, $3)"


@pytest.fixture(scope="module")
def postgres() -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(max_connections=20)
    server.start()
    asyncio.run(pool.install(server.dsn()))
    yield server
    server.stop()


@contextlib.asynccontextmanager
async def opened(dsn: str, **settings: object) -> AsyncIterator[Database]:
    made = Database(dsn, DatabaseSettings.model_validate(settings), Metrics())
    await made.open()
    yield made
    assert made._source is not None
    await made._source.close()


async def refusal(db: Database, request: str = "r", hold: float = 0.0) -> RefusedError:
    with pytest.raises(RefusedError) as refused:
        await db.value(CHARGE, "u", request, hold)
    return refused.value


async def test_an_exhausted_pool_refuses_in_time_and_recovers(postgres: EmbeddedPostgres) -> None:
    async with opened(postgres.dsn("mcpist"), pool_size=2, acquire_timeout=0.05) as db:
        blocker = await asyncpg.connect(postgres.dsn())
        await db.value(CHARGE, "u", "first", 0.0)
        await blocker.execute("BEGIN; SELECT * FROM mcpist.credits FOR UPDATE")
        held = [asyncio.create_task(db.value(CHARGE, "u", f"h{n}", 0.0)) for n in range(2)]
        while db.connections()[0] < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        refused = await refusal(db)
        assert (refused.reason, refused.retry_after) == ("db_pool_timeout", 1)
        assert refused.detail == "all 2 connections of the pool in use for 0.05 s"
        await blocker.execute("COMMIT")
        assert await asyncio.gather(*held) == ["charged", "charged"]
        assert await db.value(CHARGE, "u", "later", 0.0) == "charged"
        assert db.connections() == (0, 2, 0)
        await blocker.close()


async def test_cancelled_calls_give_their_connection_back(postgres: EmbeddedPostgres) -> None:
    async with opened(postgres.dsn("mcpist"), pool_size=2, acquire_timeout=20.0) as db:
        held = [asyncio.create_task(db.value("SELECT pg_sleep(60)")) for n in range(5)]
        while db.connections()[0] < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert db.connections() == (2, 0, 3)
        for task in held:
            task.cancel()
        await asyncio.gather(*held, return_exceptions=True)
        assert await db.value("SELECT 7") == 7
        assert (db.connections()[0], db.connections()[2]) == (0, 0)


async def test_without_a_pool_the_servers_own_words_come_through(postgres: EmbeddedPostgres) -> None:
    async with opened(postgres.dsn("mcpist"), mode="none") as db:
        crowd = []
        with contextlib.suppress(asyncpg.PostgresError):
            while True:
                crowd.append(await asyncpg.connect(postgres.dsn("mcpist")))
        refused = await refusal(db)
        assert refused.reason == "db_error"
        assert refused.detail in (
            "sorry, too many clients already",
            "remaining connection slots are reserved for roles with the SUPERUSER attribute",
        )
        assert len(crowd) == 20 - 3
        for connection in crowd:
            await connection.close()
        assert await db.value("SELECT 1") == 1
        assert db.connections() == (0, 0, 0)


async def test_a_restarted_server_is_found_again(postgres: EmbeddedPostgres) -> None:
    server = EmbeddedPostgres(max_connections=20)
    server.start()
    try:
        await pool.install(server.dsn())
        async with opened(server.dsn("mcpist"), pool_size=3) as db:
            assert await db.value(CHARGE, "u", "before", 0.0) == "charged"
            server.kill()
            assert (await refusal(db)).reason == "db_error"
            server.resume()
            assert await _patiently(db, "after") == "charged"
            assert [await db.value(CHARGE, "u", f"a{n}", 0.0) for n in range(6)] == ["charged"] * 6
    finally:
        server.stop()


async def _patiently(db: Database, request: str) -> object:
    """A connection that is about to learn of its end may fail a call each."""
    for _ in range(3):
        with contextlib.suppress(RefusedError):
            return await db.value(CHARGE, "u", request, 0.0)
    return None


async def test_connections_that_the_server_ended_are_not_used(postgres: EmbeddedPostgres) -> None:
    async with opened(postgres.dsn("mcpist"), pool_size=3) as db:
        await asyncio.gather(*(db.value("SELECT pg_sleep(0.05)") for _ in range(3)))
        admin = await asyncpg.connect(postgres.dsn())
        await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'mcpist'")
        await admin.close()
        while db.connections() != (0, 0, 0):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert [await db.value(CHARGE, "u", f"e{n}", 0.0) for n in range(4)] == ["charged"] * 4
        assert db.connections() == (0, 1, 0)


async def test_who_waits_for_a_connection_gets_the_next_that_is_given_back(
    postgres: EmbeddedPostgres,
) -> None:
    async with opened(postgres.dsn("mcpist"), pool_size=1, acquire_timeout=20.0) as db:
        order: list[int] = []

        async def ask(number: int) -> None:
            await db.value("SELECT pg_sleep(0.02)")
            order.append(number)

        await asyncio.gather(*(ask(number) for number in range(5)))
        assert order == [0, 1, 2, 3, 4]
        assert db.connections() == (0, 1, 0)


async def test_settings_may_change_under_way(postgres: EmbeddedPostgres) -> None:
    async with opened(postgres.dsn("mcpist"), pool_size=1) as db:
        slow = asyncio.create_task(db.value("SELECT pg_sleep(0.2)::text || 'done'"))
        await asyncio.sleep(0.05)
        await db.configure(DatabaseSettings(pool_size=4))
        assert await slow == "done"
        assert db.connections() == (0, 4, 0)
        await db.configure(DatabaseSettings(mode="none"))
        assert await db.value("SELECT 1") == 1


@pytest.fixture
def bouncer(postgres: EmbeddedPostgres) -> Iterator[str]:
    program = needs.require("pgbouncer")
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
        sock.close()
        users = Path(folder) / "users.txt"
        users.write_text('"mcpist" ""\n')
        ini = Path(folder) / "pgbouncer.ini"
        ini.write_text(
            f"[databases]\npostgres = host={postgres.home} port=5432\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
            f"listen_port = {port}\nunix_socket_dir =\nauth_type = trust\nauth_file = {users}\n"
            "pool_mode = transaction\ndefault_pool_size = 2\n"
        )
        Path(folder).chmod(0o755)
        postgres.home.chmod(0o711)
        as_root = {"user": "nobody", "extra_groups": ()} if os.geteuid() == 0 else {}
        with (Path(folder) / "log").open("wb") as log:
            process = subprocess.Popen([program, str(ini)], stdout=log, stderr=log, **as_root)  # type: ignore[call-overload]
        yield f"postgresql://mcpist@127.0.0.1:{port}/postgres"
        process.terminate()
        process.wait(10)


async def test_a_pooler_in_transaction_mode(bouncer: str, postgres: EmbeddedPostgres) -> None:
    async with asyncio.timeout(20):
        while True:
            try:
                async with opened(bouncer, mode="pooler", pool_size=10) as db:
                    said = await asyncio.gather(
                        *(db.value(CHARGE, f"p{n % 7}", f"p{n}", 0.0) for n in range(100))
                    )
                break
            except OSError:
                await asyncio.sleep(0.05)
    assert said == ["charged"] * 100
