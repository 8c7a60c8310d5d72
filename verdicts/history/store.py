"""`results/history/runs.sqlite`: a row a run, a row a figure; whoever appends does it whole or not at all.

    append(folder, entry)        True if it was not there before
    read(folder, "burst")        its runs, the first one first; "" for those of every scenario

A run is known by its folder's name and the instant its load began: it is there once, however often told.
"""

from __future__ import annotations

import os
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from common.paths import RESULTS
from verdicts.history.entry import HistoryRun, RunFigure, SeriesKey

FILE: Final = "runs.sqlite"
VARIABLE: Final = "RESILIENCE_HISTORY"
SCHEMA_VERSION: Final = 1
PATIENCE: Final = 5.0  # seconds: others append in milliseconds
_TABLES: Final = """
CREATE TABLE runs (
  id INTEGER PRIMARY KEY, run TEXT NOT NULL, started REAL NOT NULL,
  scenario TEXT NOT NULL, attack TEXT NOT NULL, protections TEXT NOT NULL, target TEXT NOT NULL,
  machine TEXT NOT NULL, version TEXT NOT NULL, commit_id TEXT NOT NULL, verdict TEXT NOT NULL,
  slow_tools TEXT NOT NULL, UNIQUE (run, started)
);
CREATE TABLE figures (
  run_id INTEGER NOT NULL REFERENCES runs (id), place INTEGER NOT NULL, figure TEXT NOT NULL,
  value REAL NOT NULL, unit TEXT NOT NULL, better TEXT NOT NULL, basis TEXT NOT NULL,
  witness TEXT NOT NULL, calls INTEGER NOT NULL, PRIMARY KEY (run_id, figure)
) WITHOUT ROWID;
"""


class HistoryError(Exception):
    """The history cannot be read, or not be written; one line."""


def place() -> Path:
    """The folder of this checkout's history, or the one that RESILIENCE_HISTORY names; absolute.

    What appends to it runs in the checkout, wherever the run itself was started.
    """
    return Path(os.environ.get(VARIABLE) or RESULTS / "history").absolute()


def append(folder: Path, entry: HistoryRun) -> bool:
    """Add a run; False where it is there already. Raises HistoryError: then nothing of it is there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _opened(folder / FILE, "rwc") as db:
            return _append(db, entry)
    except (OSError, sqlite3.Error) as error:
        raise HistoryError(f"{folder / FILE}: {error}") from None


def read(folder: Path, scenario: str = "") -> list[HistoryRun]:
    """The runs in the order of their starts; none where there is no file. Raises HistoryError."""
    file = folder / FILE
    try:
        if not file.exists():
            return []
        with _opened(file, "ro") as db:
            return list(_read(db, scenario))
    except (OSError, sqlite3.Error) as error:
        raise HistoryError(f"{file}: cannot be read: {error}, allowed: what runs have appended") from None


@contextmanager
def _opened(file: Path, mode: str) -> Iterator[sqlite3.Connection]:
    """`mode` as SQLite has it. A version that is not ours is sqlite3.DatabaseError."""
    uri = f"{file.absolute().as_uri()}?mode={mode}"
    with closing(sqlite3.connect(uri, uri=True, timeout=PATIENCE, isolation_level=None)) as db:
        if mode != "ro":
            db.execute("BEGIN IMMEDIATE")
        [version] = db.execute("PRAGMA user_version").fetchone()
        if version != SCHEMA_VERSION and (version or _tables(db)):
            raise sqlite3.DatabaseError(f"is of version {version}, allowed: {SCHEMA_VERSION}")
        yield db


def _tables(db: sqlite3.Connection) -> int:
    count: int = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    return count


def _append(db: sqlite3.Connection, entry: HistoryRun) -> bool:
    """In the transaction that is open; one that is not committed is undone when the file is closed."""
    if not _tables(db):
        for statement in filter(str.strip, _TABLES.split(";")):
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    row = (
        entry.run, entry.started, *entry.key, entry.version, entry.commit, entry.verdict,
        "\n".join(entry.slow_tools),
    )  # fmt: skip
    added = db.execute(f"INSERT OR IGNORE INTO runs VALUES (NULL{', ?' * len(row)})", row)
    if added.rowcount:
        figures = [(added.lastrowid, at, *figure) for at, figure in enumerate(entry.figures)]
        db.executemany("INSERT INTO figures VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", figures)
    db.execute("COMMIT")
    return bool(added.rowcount)


def _read(db: sqlite3.Connection, scenario: str) -> Iterator[HistoryRun]:
    if not _tables(db):
        return
    figures = defaultdict(list)
    for run, *figure in db.execute(
        "SELECT run_id, figure, value, unit, better, basis, witness, calls FROM figures "
        "ORDER BY run_id, place"
    ):
        figures[run].append(RunFigure(*figure))
    rows = db.execute(
        "SELECT id, run, started, scenario, attack, protections, target, machine, version, commit_id, "
        "verdict, slow_tools FROM runs WHERE ? IN ('', scenario) ORDER BY started, id",
        (scenario,),
    )
    for id, run, started, *key, version, commit, verdict, slow in rows:
        known = tuple(filter(None, slow.split("\n")))
        yield HistoryRun(run, started, SeriesKey(*key), version, commit, verdict, known, tuple(figures[id]))
