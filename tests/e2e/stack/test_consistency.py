"""The books on a real Postgres: what balances passes, and each check catches its corrupted ledger."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from fakes.database import audit, pool
from fakes.database.postgres import EmbeddedPostgres

pytestmark = pytest.mark.e2e
CHARGE = "SELECT mcpist.charge($1, $2, 1, 'origin-a', 100, 100, 0)"
USED = "INSERT INTO mcpist.usage VALUES ($1, $2, 'fast', 'echo', $3, 1, 'origin-a-1')"


@pytest.fixture(scope="module")
def postgres() -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres()
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def admin(postgres: EmbeddedPostgres) -> AsyncIterator[asyncpg.Connection]:
    """Three accounts, four calls each: all charged and finished."""
    await pool.install(postgres.dsn())
    connection = await asyncpg.connect(postgres.dsn())
    for user in ("ann", "ben", "eve"):
        for number in range(4):
            await connection.fetchval(CHARGE, user, f"{user}-{number}")
            await connection.execute(USED, f"{user}-{number}", user, "ok")
    yield connection
    await connection.close()


async def found(postgres: EmbeddedPostgres) -> list[str]:
    return audit.problems(await audit.audit_now(postgres.dsn()))


async def test_books_that_balance(postgres: EmbeddedPostgres, admin: asyncpg.Connection) -> None:
    books = await audit.audit_now(postgres.dsn())
    assert audit.problems(books) == []
    assert {key: books[key] for key in ("consumed", "written", "transactions", "accounts", "finished")} == {
        "consumed": 12, "written": 12, "transactions": 12, "accounts": 3, "finished": 12,
    }  # fmt: skip
    assert books["by_user"] == {"ann": [4, 0], "ben": [4, 0], "eve": [4, 0]}
    assert books["unfinished"] == 0


async def test_empty_books_balance(postgres: EmbeddedPostgres, admin: asyncpg.Connection) -> None:
    await pool.reset(postgres.dsn())
    books = await audit.audit_now(postgres.dsn())
    assert (audit.problems(books), books["transactions"], books["by_user"]) == ([], 0, {})


@pytest.mark.parametrize(
    ("sql", "problems"),
    [
        (
            "UPDATE mcpist.credits SET balance = balance - 1 WHERE user_id = 'ann'",
            [
                "credits consumed 13, transactions written 12",
                "1 accounts whose credits are not their transactions (ann)",
            ],
        ),
        (
            "DELETE FROM mcpist.credit_transactions WHERE request_id = 'ben-2'",
            [
                "credits consumed 12, transactions written 11",
                "1 accounts whose credits are not their transactions (ben)",
                "1 finished calls that were never charged (ben-2)",
            ],
        ),
        (  # the sums agree, the accounts do not
            "UPDATE mcpist.credit_transactions SET user_id = 'eve' WHERE request_id = 'ann-0'",
            ["2 accounts whose credits are not their transactions (ann, eve)"],
        ),
        (
            "DELETE FROM mcpist.credits WHERE user_id = 'eve'",
            [
                "credits consumed 8, transactions written 12",
                "1 accounts whose credits are not their transactions (eve)",
            ],
        ),
        (  # charged twice under one request id, and paid for
            "ALTER TABLE mcpist.credit_transactions DROP CONSTRAINT credit_transactions_pkey; "
            "INSERT INTO mcpist.credit_transactions VALUES ('ann-1', 'ann', 1, 'origin-b'); "
            "UPDATE mcpist.credits SET balance = balance - 1 WHERE user_id = 'ann'",
            ["1 request ids charged more than once (ann-1)"],
        ),
        (
            "ALTER TABLE mcpist.credits DROP CONSTRAINT credits_balance_check; "
            "UPDATE mcpist.credits SET balance = -1, granted = 3 WHERE user_id = 'ben'",
            ["1 accounts below zero (ben)"],
        ),
        (
            "INSERT INTO mcpist.usage VALUES ('free', 'ann', 'fast', 'echo', 'ok', 1, 'origin-a-1')",
            ["1 finished calls that were never charged (free)"],
        ),
    ],
)
async def test_a_corrupted_ledger_is_caught(
    postgres: EmbeddedPostgres, admin: asyncpg.Connection, sql: str, problems: list[str]
) -> None:
    await admin.execute(sql)
    assert await found(postgres) == problems


async def test_charged_calls_that_did_not_finish_are_counted(
    postgres: EmbeddedPostgres, admin: asyncpg.Connection
) -> None:
    await admin.execute("DELETE FROM mcpist.usage WHERE request_id IN ('ann-1', 'ann-2', 'eve-0')")
    await admin.execute("UPDATE mcpist.usage SET outcome = 'failed' WHERE request_id = 'ben-0'")
    books = await audit.audit_now(postgres.dsn())
    assert audit.problems(books) == []
    assert (books["unfinished"], books["failed"]) == (3, 1)
    assert books["by_user"] == {"ann": [4, 2], "ben": [4, 0], "eve": [4, 1]}


async def test_no_more_than_a_few_names_are_shown(
    postgres: EmbeddedPostgres, admin: asyncpg.Connection
) -> None:
    await admin.execute("DELETE FROM mcpist.credit_transactions")
    assert "12 finished calls that were never charged (ann-0, ann-1, ann-2, ann-3, ben-0)" in await found(
        postgres
    )


async def test_the_books_are_read_once_nothing_moves(
    postgres: EmbeddedPostgres, admin: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0
    look = audit.audit_now

    async def busy(dsn: str) -> dict[str, object]:
        nonlocal looks
        looks += 1
        if looks <= 3:
            await admin.fetchval(CHARGE, "ann", f"late-{looks}")
        return await look(dsn)

    monkeypatch.setattr(audit, "audit_now", busy)
    monkeypatch.setattr(audit, "POLL_INTERVAL", 0.01)
    books = await audit.audit_when_settled(postgres.dsn())
    assert (looks, books["settled"], books["unfinished"]) == (4, True, 3)


async def test_books_that_never_rest_say_so(
    postgres: EmbeddedPostgres, admin: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = audit.audit_now
    numbers = iter(range(100_000))

    async def busy(dsn: str) -> dict[str, object]:
        await admin.fetchval(CHARGE, "ann", f"late-{next(numbers)}")
        return await look(dsn)

    monkeypatch.setattr(audit, "audit_now", busy)
    monkeypatch.setattr(audit, "POLL_INTERVAL", 0.01)
    assert (await audit.audit_when_settled(postgres.dsn(), timeout_s=0.1))["settled"] is False


async def test_concurrent_charges_balance(postgres: EmbeddedPostgres, admin: asyncpg.Connection) -> None:
    """The same request ids from eight clients at once: each is charged once."""
    clients = [await asyncpg.connect(postgres.dsn("mcpist")) for _ in range(8)]

    async def charge_all(client: asyncpg.Connection) -> None:
        for number in range(20):
            await client.fetchval(CHARGE, f"user-{number % 3}", f"same-{number}")

    await asyncio.gather(*map(charge_all, clients))
    for client in clients:
        await client.close()
    books = await audit.audit_now(postgres.dsn())
    assert (audit.problems(books), books["transactions"], books["unfinished"]) == ([], 32, 20)
