"""A Postgres of the user's: another machine's is refused, a foreign schema stays, no limit is tried out."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from common.secrets.secret import Secret
from fakes.database.postgres import EmbeddedPostgres
from fakes.settings import DatabaseSettings, StackSettings
from fakes.stack.handle import StackError
from fakes.stack.start import start_stack

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    made = EmbeddedPostgres()
    made.start()
    yield made
    made.stop()


def ask(server: EmbeddedPostgres, *queries: str) -> Any:
    async def asked() -> Any:
        connection = await asyncpg.connect(server.dsn())
        try:
            return [await connection.fetchval(query) for query in queries][-1]
        finally:
            await connection.close()

    return asyncio.run(asked())


def settings(dsn: str) -> StackSettings:
    return StackSettings(database=DatabaseSettings(dsn=Secret(dsn), pool_open=1))


def test_a_foreign_schema_stays(server: EmbeddedPostgres, tmp_path: Path) -> None:
    ask(server, "CREATE SCHEMA mcpist", "CREATE TABLE mcpist.theirs AS SELECT 7 AS n")
    try:
        with pytest.raises(
            StackError, match="schema mcpist is there already and is not the suite's"
        ) as refused:
            start_stack(settings(server.dsn()), [], tmp_path / "log")
        assert "\n" not in str(refused.value)
        assert ask(server, "SELECT n FROM mcpist.theirs") == 7
        assert ask(server, "SELECT count(*) FROM pg_tables WHERE schemaname = 'mcpist'") == 1
    finally:
        ask(server, "DROP SCHEMA mcpist CASCADE")


def test_our_own_schema_is_made_anew_and_limits_are_not_tried(
    server: EmbeddedPostgres, tmp_path: Path
) -> None:
    for _ in range(2):
        stack = start_stack(settings(server.dsn()), [], tmp_path / "log")
        try:
            began = server.log_size
            with pytest.raises(StackError, match="limit is not tried out on a database of somebody's own"):
                stack.connections()
            assert "too many" not in server.said(began)
            assert ask(server, "SELECT count(*) FROM mcpist.credits") == 0
            ask(server, "INSERT INTO mcpist.credits VALUES ('a', 1, 1, 1)")
            assert stack.state()["settings"]["database"]["dsn"] == "***"
        finally:
            stack.stop()
    ask(server, "DROP SCHEMA mcpist CASCADE")


def test_another_machines_database_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(
        StackError, match=r"^stack: database\.dsn: 192\.0\.2\.7 is not on loopback, allowed: "
    ):
        start_stack(settings("postgresql://u:p4ss@192.0.2.7/d"), [], tmp_path / "log", owned="db.example.org")
    assert "p4ss" not in (tmp_path / "log").read_text()


def test_an_owned_ones_is_tried(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"^stack: database: "):
        start_stack(
            settings("postgresql://u:p4ss@unresolvable.invalid/d"),
            [],
            tmp_path / "log",
            owned="unresolvable.invalid",
        )
    assert "p4ss" not in (tmp_path / "log").read_text()
