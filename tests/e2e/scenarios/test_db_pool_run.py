"""Short runs from the command line to the verdict: what is claimed of each way to the database."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from common.paths import ROOT

pytestmark = pytest.mark.e2e
SHORT = """
extends: db-pool
duration: 16s
accounts: {count: 10}
rate: 2
phases: []
faults:
  - {at: 3s, until: 7s, fault: db-hold, params: {seconds: 2}}
thresholds: {P1.9: off == 0, P1.10: unclear <= 5 %}
stack:
  database: {pool_size: 3, pool_open: 3, acquire_timeout: 1.0, synchronous_commit: true}
"""
NONE = SHORT.replace("pool_size: 3, pool_open: 3, acquire_timeout: 1.0", "mode: none, max_connections: 12")
KILLS = """
extends: db-crash
duration: 16s
accounts: {count: 20}
rate: 2
faults:
  - {at: 3s, until: 4s, fault: process-down, target: postgres}
  - {at: 8s, until: 9s, fault: process-down, target: origin-a}
"""


def attack(folder: Path, text: str) -> tuple[int, Path]:
    """The exit code and the run folder of a scenario."""
    (folder / "short.yaml").write_text(text)
    command = [
        sys.executable,
        "-m",
        "cli",
        "attack",
        str(folder / "short.yaml"),
        "--out",
        str(folder / "run"),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=180, check=False)
    assert (folder / "run" / "report.html").exists(), done.stdout + done.stderr
    return done.returncode, folder / "run"


def points(run: Path) -> dict[str, dict[str, Any]]:
    return {point["id"]: point for point in json.loads((run / "verdicts.json").read_text())["points"]}


def test_a_pool_with_a_timeout_says_clearly_no_and_recovers(tmp_path: Path) -> None:
    _, run = attack(tmp_path, SHORT)
    found = points(run)
    assert found["P1.9"]["value"] == 57
    assert found["P1.10"]["value"] == (
        "No database connection in time: all 3 connections of the pool in use for 1 s"
    )
    assert found["P1.11"]["evidence"].count("Nothing had to be restarted.") == 1
    assert found["money"]["value"] == 0
    assert (
        "no success at the client: 0; charged without a usage row (not finished, or lost with the origin): 0"
        in found["money"]["evidence"]
    )


def test_without_a_pool_postgres_own_words_reach_the_client(tmp_path: Path) -> None:
    code, run = attack(tmp_path, NONE)
    found = points(run)
    assert code in (1, 3)  # 3 where this machine was too busy for the load
    words = {row["words"] for row in found["P1.10"]["rows"] if row["where"].startswith("client")}
    reserved = "remaining connection slots are reserved for roles with the SUPERUSER attribute"
    assert words & {f"Database error: {reserved}", "Database error: sorry, too many clients already"}
    assert (found["P1.9"]["value"], found["money"]["value"]) == (9, 0)


def test_books_balance_after_kills(tmp_path: Path) -> None:
    _, run = attack(tmp_path, KILLS)
    found, books = points(run), json.loads((run / "consistency.json").read_text())
    assert found["money"]["value"] == 0, found["money"]["evidence"]
    assert books["consumed"] == books["written"] == books["transactions"] > 0
    assert "Restarted: postgres, origin-a." in found["P1.11"]["evidence"]
    assert {file.name for file in run.iterdir()} >= {"junit.xml", "report.html", "verdicts.json"}
