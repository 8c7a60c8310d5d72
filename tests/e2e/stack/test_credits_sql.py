"""Money on a real Postgres: consumed = transactions, once a request id, never below zero."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from fakes.database import effects, pool
from fakes.database.pool import Database
from fakes.database.postgres import EmbeddedPostgres
from fakes.http.metrics import Metrics
from fakes.http.reasons import RefusedError
from fakes.origin.answers import Answers
from fakes.origin.stored.credits import Credits, UsageRow, UsageWriter
from fakes.origin.stored.rate_sync import RateSync
from fakes.origin.tool_call import ToolResult
from fakes.protections.rate_limit import RateLimit
from fakes.settings import DatabaseSettings

pytestmark = pytest.mark.e2e
SETTINGS = DatabaseSettings(pool_size=8, acquire_timeout=20.0)


@pytest.fixture(scope="module")
def postgres() -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres()
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def admin(postgres: EmbeddedPostgres) -> AsyncIterator[asyncpg.Connection]:
    await pool.install(postgres.dsn())
    connection = await asyncpg.connect(postgres.dsn())
    yield connection
    await connection.close()


@pytest.fixture
async def db(postgres: EmbeddedPostgres, admin: asyncpg.Connection) -> AsyncIterator[Database]:
    made = Database(postgres.dsn("mcpist"), SETTINGS, Metrics())
    await made.open()
    yield made
    assert made._source is not None
    await made._source.close()


async def charge(db: Database, user: str, request: str, credits: int = 100, quota: int = 100) -> str:
    settings = SETTINGS.model_copy(update={"credits": credits, "quota": quota})
    try:
        await Credits(db, "origin-a", Metrics()).charge(user, request, settings)
    except RefusedError as refused:
        return refused.reason
    return "ok"


async def balanced(admin: asyncpg.Connection) -> bool:
    """What is gone from the balances is what the transactions say, for every user."""
    wrong = await admin.fetch(
        "SELECT user_id FROM mcpist.credits c WHERE granted - balance <> COALESCE("
        "(SELECT sum(amount) FROM mcpist.credit_transactions t WHERE t.user_id = c.user_id), 0)"
    )
    return not wrong


async def test_first_sight_opens_an_account(db: Database, admin: asyncpg.Connection) -> None:
    assert await charge(db, "new", "r1", credits=7) == "ok"
    row = await admin.fetchrow("SELECT balance, granted, quota_used FROM mcpist.credits")
    assert tuple(row) == (6, 7, 1)


async def test_the_same_request_is_charged_once(db: Database, admin: asyncpg.Connection) -> None:
    said = await asyncio.gather(*(charge(db, "u", "same") for _ in range(20)))
    assert said == ["ok"] * 20
    assert await admin.fetchval("SELECT balance FROM mcpist.credits") == 99


async def test_a_repeat_passes_even_when_nothing_is_left(db: Database) -> None:
    assert [await charge(db, "u", "r1", credits=1), await charge(db, "u", "r1", credits=1)] == ["ok", "ok"]
    assert await charge(db, "u", "r2", credits=1) == "insufficient_credits"


async def test_another_users_request_id_is_refused(db: Database, admin: asyncpg.Connection) -> None:
    assert await charge(db, "u", "r1") == "ok"
    await charge(db, "v", "r0")
    assert await charge(db, "v", "r1") == "db_error"
    assert await balanced(admin)


async def test_credits_and_quota_end_exactly(db: Database, admin: asyncpg.Connection) -> None:
    poor = Counter(await asyncio.gather(*(charge(db, "poor", f"p{n}", credits=5) for n in range(20))))
    capped = Counter(await asyncio.gather(*(charge(db, "capped", f"c{n}", quota=3) for n in range(20))))
    assert poor == {"ok": 5, "insufficient_credits": 15}
    assert capped == {"ok": 3, "quota_exceeded": 17}
    assert await admin.fetchval("SELECT balance FROM mcpist.credits WHERE user_id = 'poor'") == 0


async def test_the_quota_is_a_days(db: Database, admin: asyncpg.Connection) -> None:
    assert [await charge(db, "u", f"r{n}", quota=1) for n in range(2)] == ["ok", "quota_exceeded"]
    await admin.execute("UPDATE mcpist.credits SET quota_day = current_date - 1")
    assert await charge(db, "u", "r9", quota=1) == "ok"
    assert await admin.fetchval("SELECT quota_used FROM mcpist.credits") == 1


async def test_text_of_any_kind_is_only_text(db: Database, admin: asyncpg.Connection) -> None:
    nasty = "'; DROP TABLE mcpist.credits; --\u00e9\U0001f600"
    assert await charge(db, nasty, nasty) == "ok"
    assert await admin.fetchval("SELECT user_id FROM mcpist.credits") == nasty


async def test_money_is_safe_when_calls_are_cancelled_anywhere(
    db: Database, admin: asyncpg.Connection
) -> None:
    chance = random.Random(1)
    tasks = [asyncio.create_task(charge(db, f"u{n % 5}", f"r{n % 150}")) for n in range(300)]
    for task in tasks:
        if chance.random() < 0.4:
            asyncio.get_running_loop().call_later(chance.random() * 0.1, task.cancel)
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert await balanced(admin)
    charged = await admin.fetchval("SELECT count(*) FROM mcpist.credit_transactions")
    told = {n % 150 for n, one in enumerate(ended) if one == "ok"}
    assert len(told) <= charged <= 150
    assert await admin.fetchval("SELECT min(balance) FROM mcpist.credits") >= 0
    assert db.connections()[0] == 0
    assert await charge(db, "after", "after") == "ok"


async def test_what_the_server_says_comes_through_word_for_word(
    db: Database, admin: asyncpg.Connection
) -> None:
    await admin.execute("ALTER TABLE mcpist.credits RENAME TO gone")
    with pytest.raises(RefusedError) as refused:
        await Credits(db, "origin-a", Metrics()).charge("u", "r", SETTINGS)
    with pytest.raises(asyncpg.PostgresError) as said:
        await admin.fetchval("SELECT mcpist.charge('u', 'r', 1, 'a', 1, 1, 0)")
    assert (refused.value.reason, refused.value.detail) == ("db_error", said.value.args[0])


async def test_usage_is_written_in_a_batch_and_once(db: Database, admin: asyncpg.Connection) -> None:
    usage = UsageWriter(db, Metrics())
    rows = [UsageRow(f"r{n}", "u", "fast", "echo", "ok", 1.5, "origin-a-1") for n in range(50)]
    for row in [*rows, *rows[:10]]:
        usage.add(row)
    await usage.flush()
    await usage.flush()
    assert await admin.fetchval("SELECT count(*) FROM mcpist.usage") == 50


async def test_usage_survives_a_database_that_is_away(db: Database, admin: asyncpg.Connection) -> None:
    usage = UsageWriter(db, Metrics())
    usage.add(UsageRow("r", "u", "fast", "echo", "ok", 1.5, "i"))
    db.down = lambda: True
    with pytest.raises(RefusedError, match="db_error"):
        await usage.flush()
    db.down = lambda: False
    await usage.flush()
    assert await admin.fetchval("SELECT count(*) FROM mcpist.usage") == 1


async def test_origins_learn_each_others_counts(db: Database, admin: asyncpg.Connection) -> None:
    limits = {
        name: RateLimit(60.0, {"free": 4}, lambda: 600.0) for name in ("origin-a", "origin-b", "origin-c")
    }
    syncs = {name: RateSync(db, name, Metrics()) for name in limits}
    for name, limit in limits.items():
        assert limit.take("u", "free").allowed
        await syncs[name].once(limit)
    await syncs["origin-a"].once(limits["origin-a"])
    assert limits["origin-a"].others == {"u": 2}
    assert [limits["origin-a"].take("u", "free").allowed for _ in range(2)] == [True, False]
    late = RateLimit(60.0, {"free": 4}, lambda: 900.0)
    await syncs["origin-a"].once(late)
    assert late.others == {}
    assert await admin.fetchval("SELECT count(*) FROM mcpist.rate_windows") == 0


async def test_reset_empties_everything(
    postgres: EmbeddedPostgres, db: Database, admin: asyncpg.Connection
) -> None:
    await charge(db, "u", "r")
    await pool.reset(postgres.dsn())
    assert await admin.fetchval("SELECT count(*) FROM mcpist.credits") == 0
    assert await charge(db, "u", "r") == "ok"


async def test_charges_and_usage_rows_are_counted_by_the_key_that_calls_brought(
    db: Database, admin: asyncpg.Connection, postgres: EmbeddedPostgres
) -> None:
    for request, intent in (("r1", "k"), ("r2", "k"), ("r3", None)):
        await Credits(db, "origin-a", Metrics()).charge("u", request, SETTINGS, intent)
    usage = UsageWriter(db, Metrics())
    for request, outcome in (("r1", "failed"), ("r2", "ok")):
        usage.add(UsageRow(request, "u", "fast", "echo", outcome, 1.5, "i", "k"))
    await usage.flush()
    assert await effects.count(postgres.dsn()) == {"paid": ["k", "k"], "recorded": ["k"]}


async def test_an_answer_is_kept_so_long_for_whoever_asks(db: Database, admin: asyncpg.Connection) -> None:
    answers, answer = Answers(db), ToolResult("{}", False, 3.0)
    assert await answers.find("k", 600.0) is None
    await answers.remember("k", answer)
    assert await answers.find("k", 600.0) == answer._replace(upstream_ms=None)
    assert await answers.find("k", 0.0) is None
