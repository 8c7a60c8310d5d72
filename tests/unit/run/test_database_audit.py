from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

from fakes.stack.handle import StackError, StackHandle
from run.stack import database_audit


class Stack:
    """Answers, or does not."""

    def __init__(self, *, up: bool = True) -> None:
        self.up = up
        self.asked: list[str] = []

    def consistency(self) -> dict[str, Any]:
        return self._answer("consistency")

    def connections(self) -> dict[str, Any]:
        return self._answer("connections")

    def _answer(self, what: str) -> dict[str, Any]:
        self.asked.append(what)
        if not self.up:
            raise StackError("database: no answer in time")
        return {"what": what}


def written(folder: Path, stack: Stack, *points: str) -> tuple[list[str], list[str]]:
    """The files and what was said."""
    said: list[str] = []
    database_audit.write(cast(StackHandle, stack), points, folder, said.append)
    return sorted(file.name for file in folder.iterdir()), said


def test_the_books_are_written_after_every_run(tmp_path: Path) -> None:
    stack = Stack()
    assert written(tmp_path, stack, "P1.7") == (["consistency.json"], [])
    assert json.loads((tmp_path / "consistency.json").read_text()) == {"what": "consistency"}
    assert stack.asked == ["consistency"]


def test_connections_are_opened_only_where_a_point_asks(tmp_path: Path) -> None:
    assert written(tmp_path, Stack(), "P1.10") == (["connections.json", "consistency.json"], [])


def test_no_answer_is_no_file_and_said(tmp_path: Path) -> None:
    files, said = written(tmp_path, Stack(up=False), "P1.9")
    assert files == []
    assert said[0] == "consistency.json is missing: database: no answer in time"
    assert len(said) == 2
