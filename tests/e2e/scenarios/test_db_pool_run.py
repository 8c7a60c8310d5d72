"""Short runs from the command line to the verdict: what is claimed of each way to the database."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

from bench import kills
from tests.support.short_run import ShortRun

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.usefixtures("parts")]


def short(**database: Any) -> dict[str, Any]:
    return {
        "duration": "13s",
        "accounts": {"count": 10},
        "rate": 2,
        "faults": [{"at": "3s", "until": "7s", "fault": "db-hold", "params": {"seconds": 2}}],
        "thresholds": {"P1.9": "off == 0", "P1.10": "unclear <= 5 %"},
        "stack": {"database": {**database, "synchronous_commit": True}},
    }


KILLS: Final[dict[str, Any]] = {
    "duration": "16s",
    "accounts": {"count": 20},
    "rate": 2,
    "faults": [
        {"at": "3s", "until": "4s", "fault": "process-down", "target": "postgres"},
        {"at": "8s", "until": "9s", "fault": "process-down", "target": "origin-a"},
    ],
}


def test_a_pool_with_a_timeout_says_clearly_no_and_recovers(tmp_path: Path, parts: str) -> None:
    pool = short(pool_size=3, pool_open=3, acquire_timeout=1.0)
    run = ShortRun(tmp_path, "db-pool", counts=False, **pool)
    assert run.point("P1.9")["value"] == 57
    assert run.point("P1.10")["value"] == (
        "No database connection in time: all 3 connections of the pool in use for 1 s"
        + ": context deadline exceeded" * (parts == "real")
    )
    assert run.point("P1.11")["evidence"].count("Nothing had to be restarted.") == 1
    assert run.point("money")["value"] == 0
    assert (
        "no success at the client: 0; charged without a usage row (not finished, or lost with the origin): 0"
        in run.point("money")["evidence"]
    )


def test_without_a_pool_postgres_own_words_reach_the_client(tmp_path: Path) -> None:
    held = short(mode="none", max_connections=12)
    run = ShortRun(tmp_path, "db-pool", counts=False, own_stack=True, **held)
    assert run.code in (1, 3)  # 3 where this machine was too busy for the load
    words = {row["words"] for row in run.point("P1.10")["rows"] if row["where"].startswith("client")}
    reserved = "remaining connection slots are reserved for roles with the SUPERUSER attribute"
    assert words & {f"Database error: {reserved}", "Database error: sorry, too many clients already"}
    assert (run.point("P1.9")["value"], run.point("money")["value"]) == (9, 0)


def test_books_balance_after_kills(tmp_path: Path) -> None:
    run = ShortRun(tmp_path, "db-crash", counts=False, own_stack=True, **KILLS)
    books = json.loads((run.folder / "consistency.json").read_text())
    assert kills.unbalanced(run.found["arrivals"]) == ""
    assert run.point("money")["value"] == 0, run.point("money")["evidence"]
    assert books["consumed"] == books["written"] == books["transactions"] > 0
    assert "Restarted: postgres, origin-a." in run.point("P1.11")["evidence"]
    assert {file.name for file in run.folder.iterdir()} >= {"junit.xml", "report.html", "verdicts.json"}
