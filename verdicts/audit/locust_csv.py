"""Locust: `--csv NAME` writes NAME_stats.csv, and beside it NAME_failures.csv with what failed and how.

What was planned stands in neither: Locust knows users, and each of them waits for its answer.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from common.errors import ConfigError
from verdicts.audit.other_run import OtherRun

HEAD: Final = ("Type", "Name", "Request Count", "Failure Count")
TOTAL: Final = "Aggregated"
STATS, FAILURES = "_stats.csv", "_failures.csv"
# An answer that Locust, or the test, calls a failure.
ANSWERED: Final = re.compile(r"HTTPError|BadStatusCode|CatchResponseError|ResponseError")
CLOSED: Final = "each user waits for its answer before the next request, whatever its wait_time says"


def is_stats(head: Sequence[str]) -> bool:
    """The first row is that of NAME_stats.csv."""
    return tuple(head[: len(HEAD)]) == HEAD


def stats(file: Path, rows: Sequence[Sequence[str]]) -> OtherRun:
    """Of the file's rows. Raises ConfigError."""
    row = next((row for row in rows if row[1:2] == [TOTAL]), None)
    if row is None:
        raise ConfigError(
            file, TOTAL, "there is no such row, allowed: NAME_stats.csv as Locust leaves it at its end"
        )
    sent, failed = (_whole(file, HEAD[place], row) for place in (2, 3))
    return OtherRun("Locust's stats", sent, unproved=max(failed - _answered(file), 0), closed=CLOSED)


def _whole(file: Path, column: str, row: Sequence[str]) -> int:
    text = row[HEAD.index(column)] if len(row) > HEAD.index(column) else ""
    if not (text.isascii() and text.isdigit()):
        raise ConfigError(file, column, f"{text!r}, allowed: a whole number")
    return int(text)


def _answered(file: Path) -> int:
    """Failures that were an answer, by the file beside; 0 where there is none."""
    beside = file.with_name(file.name.removesuffix(STATS) + FAILURES)
    if not file.name.endswith(STATS) or not beside.is_file():
        return 0
    with beside.open(newline="", encoding="utf-8", errors="replace") as stream:
        rows = list(csv.DictReader(stream))
    return sum(
        _count(row["Occurrences"])
        for row in rows
        if ANSWERED.search(row.get("Error") or "") and row.get("Occurrences")
    )


def _count(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0
