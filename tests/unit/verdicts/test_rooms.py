"""Inside verdicts/ a room imports only those that docs/architecture.md names before it: no circles."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from common.paths import ROOT

HERE: Final = ROOT / "verdicts"
PAGE: Final = (ROOT / "docs" / "architecture.md").read_text()
ENTRY: Final = "__main__"  # may import all of them


def order() -> list[str]:
    """The rooms, the lowest first."""
    section = PAGE.split("## Inside `verdicts/`")[1].split("\n## ")[0]
    return re.findall(r"`([a-z.]+)`", section.split("before it:")[1].split("\n\n")[0])


def room(file: Path) -> str:
    """The room of a file: its folder, or a file that stands alone at the top."""
    within = file.relative_to(HERE)
    return ".".join(within.parent.parts) or within.stem


def imported(file: Path) -> Iterator[str]:
    """Rooms that a file imports from, also inside functions."""
    for node in ast.walk(ast.parse(file.read_text())):
        modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names = [alias.name for alias in node.names] if isinstance(node, ast.ImportFrom) else []
        for module in (f"{base}.{name}" for base in modules for name in names or [""]):
            place = ROOT / module.replace(".", "/")
            file_of = next((one for one in (place, place.parent) if one.with_suffix(".py").is_file()), place)
            if module.startswith("verdicts."):
                yield room(file_of.with_suffix(".py"))


def files() -> list[Path]:
    return [file for file in sorted(HERE.rglob("*.py")) if file.read_text() and file.stem != ENTRY]


@pytest.mark.parametrize("file", files(), ids=lambda file: str(file.relative_to(HERE)))
def test_a_room_imports_only_those_below_it(file: Path) -> None:
    rooms = order()
    below = set(rooms[: rooms.index(room(file)) + 1])
    assert set(imported(file)) <= below


def test_every_room_has_its_place() -> None:
    assert sorted({room(file) for file in files()}) == sorted(order())


def test_no_room_is_crowded_but_by_peers() -> None:
    counts = {name: sum(room(file) == name for file in files()) for name in order()}
    assert {name for name, count in counts.items() if count > 15} == {"points"}


def test_no_class_of_verdicts_has_the_name_of_another() -> None:
    names = [
        node.name
        for file in files()
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ClassDef)
    ]
    assert sorted(set(names)) == sorted(names)
