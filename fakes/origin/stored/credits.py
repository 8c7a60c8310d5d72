"""Credits and usage: the money of a call, and the record that it was made.

Charging is one round trip (`mcpist.charge`): quota check, credit check and consumption in one
transaction, once a request id. It comes before the tool call, as in the gateway. The usage row comes
after it, in batches every `usage_flush` seconds: a row lost with its origin costs nobody money, and a
transaction without a usage row is how a charged call that did not finish is found.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from fakes.database.pool import Database
from fakes.http.metrics import Metrics
from fakes.http.reasons import RefusedError
from fakes.settings import DatabaseSettings

CHARGE: Final = "SELECT mcpist.charge($1, $2, $3, $4, $5, $6, $7, $8)"
RECORD: Final = """
INSERT INTO mcpist.usage (request_id, user_id, module, tool, outcome, duration_ms, instance, intent)
SELECT * FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::real[], $7::text[], $8::text[]
)
ON CONFLICT DO NOTHING"""
REFUSALS: Final = {"quota": "quota_exceeded", "credits": "insufficient_credits"}
COST: Final = 1  # credits a call
KEEP: Final = 100_000  # usage rows kept while the database is away


class Credits:
    """Takes one credit a call. `hold`: how many seconds a transaction that begins now holds, as a fault."""

    def __init__(
        self, database: Database, origin: str, metrics: Metrics, hold: Callable[[], float] = lambda: 0.0
    ) -> None:
        self._database = database
        self._origin = origin
        self._consumed = metrics.counter("mcpist_credits_consumed_total", "Credits consumed.")
        self._hold = hold

    async def charge(
        self, user: str, request_id: str, settings: DatabaseSettings, intent: str | None = None
    ) -> None:
        """Consume a credit, once a request id. Raises RefusedError: quota, credits, database."""
        said = await self._database.value(
            CHARGE, user, request_id, COST, self._origin, settings.credits, settings.quota, self._hold, intent
        )
        if said == "charged":
            self._consumed().inc(COST)
        elif said in REFUSALS:
            raise RefusedError(REFUSALS[said])


class UsageRow(NamedTuple):
    """One tool call that came to an end. `duration_ms` is the whole call at the origin.

    `intent`: the key that it brought, None without one.
    """

    request_id: str
    user_id: str
    module: str
    tool: str
    outcome: str
    duration_ms: float
    instance: str
    intent: str | None = None


class UsageWriter:
    """Gathers rows and writes them; rows that could not be written are tried again."""

    def __init__(self, database: Database, metrics: Metrics) -> None:
        self._database = database
        self._rows: list[UsageRow] = []
        self._dropped = metrics.counter("mcpist_usage_dropped_total", "Usage rows given up.")

    def add(self, row: UsageRow) -> None:
        """Keep a row until the next flush; past KEEP rows, newer ones are dropped and counted."""
        if len(self._rows) < KEEP:
            self._rows.append(row)
        else:
            self._dropped().inc()

    def forget(self) -> None:
        """Drop the rows that wait: the calls that they tell of are forgotten."""
        self._rows = []

    async def flush(self) -> None:
        """Write what was gathered; raises RefusedError, and the rows are kept."""
        rows, self._rows = self._rows, []
        if not rows:
            return
        try:
            await self._database.value(RECORD, *(list(column) for column in zip(*rows, strict=True)))
        except BaseException:
            self._rows = rows + self._rows
            raise

    async def run(self, turn: Callable[[], Awaitable[None]]) -> None:
        """Flush each time a `turn` is over, for ever; a database that is away is tried again at the next."""
        while True:
            await turn()
            try:
                await self.flush()
            except RefusedError:
                continue
