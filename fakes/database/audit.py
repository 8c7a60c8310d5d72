"""Is the money safe? The audit of a run's database, in SQL, exact.

    audit = await audit_now(dsn)       # numbers and, for what is wrong, the first few names
    problems(audit)                    # [] if all is in order

| key | what it is | must be |
|---|---|---|
| `consumed` | sum of granted − balance over all accounts | = `written` |
| `written`, `transactions` | sum of amounts, and count, of credit_transactions | |
| `unbalanced` | accounts whose own granted − balance is not the sum of their transactions | 0 |
| `repeated` | request ids that were written more than once | 0 |
| `negative` | accounts with a balance below zero | 0 |
| `uncharged` | calls that came to an end (usage) but were never charged | 0 |
| `unfinished` | charged calls without an end: no usage row | 0 without faults |
| `failed` | charged calls whose tool call failed in the upstream | counted |
| `by_user` | user → [transactions, of them unfinished] | |

The origin charges first and writes the usage row after the call, so an unfinished one is a charged call
whose caller or origin went away, or one that is still under way: `audit_when_settled` waits until nothing
moves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import asyncpg
import msgspec

MAX_EXAMPLES: Final = 5
POLL_INTERVAL: Final = 0.3  # seconds between two looks; more than an origin gathers usage rows for
SETTLE_TIMEOUT: Final = 6.0
MUST_BE_ZERO: Final = {
    "unbalanced": "accounts whose credits are not their transactions",
    "repeated": "request ids charged more than once",
    "negative": "accounts below zero",
    "uncharged": "finished calls that were never charged",
}

_TOTALS: Final = """
SELECT (SELECT coalesce(sum(granted - balance), 0) FROM mcpist.credits) AS consumed,
       (SELECT coalesce(sum(amount), 0) FROM mcpist.credit_transactions) AS written,
       (SELECT count(*) FROM mcpist.credit_transactions) AS transactions,
       (SELECT count(*) FROM mcpist.credits) AS accounts,
       (SELECT count(*) FROM mcpist.usage) AS finished,
       (SELECT count(*) FROM mcpist.usage WHERE outcome = 'failed') AS failed
"""
_UNBALANCED: Final = """
SELECT coalesce(c.user_id, t.user_id) FROM mcpist.credits c
FULL JOIN (SELECT user_id, sum(amount) AS written FROM mcpist.credit_transactions GROUP BY 1) t
    USING (user_id)
WHERE coalesce(c.granted - c.balance, 0) <> coalesce(t.written, 0) ORDER BY 1
"""
_REPEATED: Final = """
SELECT request_id FROM mcpist.credit_transactions GROUP BY 1 HAVING count(*) > 1 ORDER BY 1
"""
_NEGATIVE: Final = "SELECT user_id FROM mcpist.credits WHERE balance < 0 ORDER BY 1"
_UNCHARGED: Final = """
SELECT request_id FROM mcpist.usage u
WHERE NOT EXISTS (SELECT FROM mcpist.credit_transactions t WHERE t.request_id = u.request_id) ORDER BY 1
"""
_BY_USER: Final = """
SELECT t.user_id, count(*), count(*) FILTER (WHERE u.request_id IS NULL)
FROM mcpist.credit_transactions t
LEFT JOIN (SELECT DISTINCT request_id FROM mcpist.usage) u USING (request_id) GROUP BY 1 ORDER BY 1
"""
_LISTS: Final = {
    "unbalanced": _UNBALANCED, "repeated": _REPEATED, "negative": _NEGATIVE, "uncharged": _UNCHARGED,
}  # fmt: skip


async def audit_now(dsn: str) -> dict[str, Any]:
    """The audit at one instant; raises what asyncpg raises."""
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            return await _audit(connection)
    finally:
        await connection.close()


async def _audit(connection: Any) -> dict[str, Any]:
    audit: dict[str, Any] = {key: int(value) for key, value in (await connection.fetchrow(_TOTALS)).items()}
    examples: dict[str, list[str]] = {}
    for name, query in _LISTS.items():
        found = [row[0] for row in await connection.fetch(query)]
        audit[name] = len(found)
        if found:
            examples[name] = found[:MAX_EXAMPLES]
    by_user = {row[0]: [row[1], row[2]] for row in await connection.fetch(_BY_USER)}
    unfinished = sum(counts[1] for counts in by_user.values())
    return {**audit, "unfinished": unfinished, "examples": examples, "by_user": by_user}


async def audit_when_settled(dsn: str, timeout_s: float = SETTLE_TIMEOUT) -> dict[str, Any]:
    """The audit once two looks in a row agree, or after `timeout_s` seconds; `settled` says which."""
    clock = asyncio.get_running_loop().time
    end = clock() + timeout_s
    audit = await audit_now(dsn)
    while clock() < end:
        await asyncio.sleep(POLL_INTERVAL)
        before, audit = audit, await audit_now(dsn)
        if msgspec.json.encode(before) == msgspec.json.encode(audit):
            return {**audit, "settled": True}
    return {**audit, "settled": False}


def problems(audit: Mapping[str, Any]) -> list[str]:
    """Each broken rule in words, with the first few names."""
    found = []
    if audit["consumed"] != audit["written"]:
        found.append(f"credits consumed {audit['consumed']:,}, transactions written {audit['written']:,}")
    for name, what in MUST_BE_ZERO.items():
        if audit[name]:
            shown = ", ".join(audit["examples"].get(name, ()))
            found.append(f"{audit[name]:,} {what} ({shown})")
    return found
