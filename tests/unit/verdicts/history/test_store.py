"""The history's file: a run once, whole or not at all, and one line for whatever keeps it out."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from common.paths import RESULTS
from tests.support.history_runs import KEY, kept, made
from verdicts.history import store
from verdicts.history.store import FILE, HistoryError, append, read


def test_what_was_appended_is_read_in_the_order_of_the_starts(tmp_path: Path) -> None:
    runs = made(4)
    assert read(kept(tmp_path / "new" / "history", runs[::-1])) == read(tmp_path) + runs
    other = replace(runs[0], run="other", key=KEY._replace(scenario="health"), slow_tools=("a b", "c"))
    append(tmp_path / "new" / "history", other)
    assert read(tmp_path / "new" / "history", "health") == [other]
    assert read(tmp_path / "new" / "history", "burst") == runs


def test_a_run_is_there_once(tmp_path: Path) -> None:
    run = made(1)[0]
    assert [append(tmp_path, run), append(tmp_path, replace(run, verdict="fail"))] == [True, False]
    assert (
        append(tmp_path, replace(run, started=run.started + 1)) is True
    )  # another run in a folder of that name
    assert [one.verdict for one in read(tmp_path)] == ["pass", "pass"]


def test_many_append_at_once(tmp_path: Path) -> None:
    runs = made(24)
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda run: append(tmp_path, run), runs))
    assert read(tmp_path) == runs


def test_a_run_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    first, second = made(2)
    append(tmp_path, first)
    torn: Any = (*second.figures[:3], second.figures[3]._replace(value=None))  # type: ignore[arg-type]
    with pytest.raises(HistoryError, match="NOT NULL"):
        append(tmp_path, replace(second, figures=torn))
    assert read(tmp_path) == [first]
    assert append(tmp_path, second)


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs, connect = made(60), sqlite3.connect
    kept(tmp_path, runs[:1])

    def full(*words: Any, **named: Any) -> sqlite3.Connection:
        db: sqlite3.Connection = connect(*words, **named)
        db.execute("PRAGMA max_page_count = 5")
        return db

    monkeypatch.setattr(sqlite3, "connect", full)
    with pytest.raises(HistoryError, match="full"):
        kept(tmp_path, runs[1:])
    monkeypatch.undo()
    there = read(tmp_path)
    assert there == runs[: len(there)]
    assert 1 <= len(there) < 60


def test_a_locked_file_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = made(2)
    append(tmp_path, runs[0])
    monkeypatch.setattr(store, "PATIENCE", 0.01)
    with closing(sqlite3.connect(tmp_path / FILE, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(HistoryError, match="locked"):
            append(tmp_path, runs[1])
    assert append(tmp_path, runs[1])


@pytest.mark.parametrize(
    "content", [b"no database at all, but long enough to be looked at " * 9, b"SQLite format 3\0x"]
)
def test_a_broken_file_is_one_line_and_stays_as_it_is(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(HistoryError, match="not a database"):
        append(tmp_path, made(1)[0])
    with pytest.raises(HistoryError, match=r"cannot be read: .*allowed: what runs have appended"):
        read(tmp_path)
    assert (tmp_path / FILE).read_bytes() == content


def test_another_version_and_a_file_of_others_are_refused(tmp_path: Path) -> None:
    append(tmp_path, made(1)[0])
    for statement, version in (("PRAGMA user_version = 7", 7), ("PRAGMA user_version = 0", 0)):
        with closing(sqlite3.connect(tmp_path / FILE)) as db:
            db.execute(statement)
        for use in (lambda: append(tmp_path, made(1)[0]), lambda: read(tmp_path)):
            with pytest.raises(HistoryError, match=f"is of version {version}, allowed: 1"):
                use()


def test_where_nothing_can_be_written_and_where_nothing_is(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(HistoryError, match="file"):
        append(tmp_path / "file" / "history", made(1)[0])
    assert read(tmp_path / "nowhere") == []
    (tmp_path / FILE).touch()  # made, and nothing in it
    assert read(tmp_path) == []


def test_a_name_that_is_too_long_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match=r"File name too long: .* allowed: "):
        read(tmp_path / ("a" * 300))


def test_where_it_lies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(store.VARIABLE, "/somewhere/else")
    assert store.place() == Path("/somewhere/else")
    monkeypatch.setenv(store.VARIABLE, "mine")
    assert store.place() == Path.cwd() / "mine"  # not the checkout's, where verdicts are derived
    monkeypatch.delenv(store.VARIABLE)
    assert store.place() == RESULTS / "history"
