"""The project's rooms as its imports draw them: who imports whom, and the pictures of docs/architecture.md.

    python -m tests.support.rooms        # writes the pictures into docs/architecture.md anew

A room is a folder with Python files of its own; `locustfile.py` is one too. Imports are read from the source:
at a module's top, inside functions, and by `import_module("…")`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final

from common.paths import ROOT

PAGE: Final = ROOT / "docs" / "architecture.md"
LEFT_OUT: Final = {"tests", "results", "build"}
PICTURE: Final = re.compile(r"<!-- picture: (\S+) -->\n```mermaid\n.*?```\n", re.DOTALL)

Graph = Mapping[str, set[str]]


def imported(source: str, package: str) -> Iterator[str]:
    """Every module that a source names, at its top or inside functions, also by `import_module("…")`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: -(node.level - 1) or None] if node.level else []
            module = [*base, *([node.module] if node.module else [])]
            yield from (".".join([*module, alias.name]) for alias in node.names)
        elif isinstance(node, ast.Call) and _called(node.func) == "import_module":
            yield from (str(arg.value) for arg in node.args[:1] if isinstance(arg, ast.Constant))


def _called(function: ast.expr) -> str | None:
    """The last name of what is called."""
    return getattr(function, "attr", getattr(function, "id", None))


@cache
def files() -> tuple[Path, ...]:
    """Every Python file of the product and its benches, relative to the checkout."""
    found = (file.relative_to(ROOT) for file in ROOT.glob("*/**/*.py"))
    kept = (file for file in found if file.parts[0] not in LEFT_OUT and not file.parts[0].startswith("."))
    return (Path("locustfile.py"), *sorted(kept))


def room_of_file(file: Path) -> str:
    """The room that a file stands in: `users/transport`, or `locustfile`; `verdicts/__main__` is one too."""
    if file.name == "__main__.py" and len(file.parts) == 2:
        return str(file.with_suffix(""))
    return str(file.parent) if file.parent.parts else file.stem


@cache
def rooms() -> frozenset[str]:
    """Every folder with Python files of its own; one that is an empty package is none."""
    return frozenset(room_of_file(file) for file in files() if (ROOT / file).stat().st_size)


def room_of_module(module: str) -> str | None:
    """The room that a dotted name lies in, the innermost; None for one of another project."""
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        if (room := "/".join(parts[:length])) in rooms():
            return room
    return None


@cache
def imports_of(file: Path) -> frozenset[str]:
    """The dotted names that a file imports; `file` relative to the checkout."""
    return frozenset(imported((ROOT / file).read_text(), ".".join(file.parent.parts)))


@cache
def graph() -> dict[str, set[str]]:
    """Room → the other rooms that it imports."""
    arrows: dict[str, set[str]] = {room: set() for room in rooms()}
    for file in files():
        room = room_of_file(file)
        if room in arrows:
            there = {room_of_module(name) for name in imports_of(file)}
            arrows[room] |= {one for one in there if one and one != room}
    return arrows


def top(arrows: Graph) -> dict[str, set[str]]:
    """The same between the rooms of the top floor alone."""
    floor: dict[str, set[str]] = {room.partition("/")[0]: set() for room in arrows}
    for room, others in arrows.items():
        here = room.partition("/")[0]
        floor[here] |= {other.partition("/")[0] for other in others} - {here}
    return floor


def inside(arrows: Graph, house: str) -> dict[str, set[str]]:
    """The rooms of one house of the top floor, and the arrows among them."""
    own = {room for room in arrows if room == house or room.startswith(f"{house}/")}
    return {room: arrows[room] & own for room in own}


def circle(arrows: Graph) -> list[str]:
    """A circle of rooms that import each other; empty where there is none."""
    done: set[str] = set()

    def walk(room: str, path: tuple[str, ...]) -> list[str]:
        if room in path:
            return [*path[path.index(room) :], room]
        if room in done:
            return []
        for other in sorted(arrows.get(room, ())):
            if found := walk(other, (*path, room)):
                return found
        done.add(room)
        return []

    return next((found for room in sorted(arrows) if (found := walk(room, ()))), [])


def below(room: str, arrows: Graph | None = None) -> set[str]:
    """All rooms that it imports, directly or by others."""
    arrows = graph() if arrows is None else arrows
    found: set[str] = set()
    ways = list(arrows.get(room, ()))
    while ways:
        if (one := ways.pop()) not in found:
            found.add(one)
            ways += arrows.get(one, ())
    return found


def reduced(arrows: Graph) -> dict[str, set[str]]:
    """Without the arrows that a longer way implies, so that a picture can be read."""
    return {
        room: {one for one in others if not any(one in below(other, arrows) for other in others - {one})}
        for room, others in arrows.items()
    }


def picture(name: str) -> str:
    """The Mermaid flowchart of the top floor (`house`) or of the rooms inside one of its rooms."""
    arrows = reduced(top(graph()) if name == "house" else inside(graph(), name))
    drawn = [f"    {_id(room)}[{room}/]" for room in sorted(arrows)]
    drawn += [f"    {_id(room)} --> {_id(one)}" for room in sorted(arrows) for one in sorted(arrows[room])]
    return "\n".join(["flowchart TD", *drawn, ""])


def _id(room: str) -> str:
    return room.replace("/", "_")


def with_pictures(text: str) -> str:
    """The page with each picture made anew."""

    def drawn(match: re.Match[str]) -> str:
        return f"<!-- picture: {match[1]} -->\n```mermaid\n{picture(match[1])}```\n"

    return PICTURE.sub(drawn, text)


if __name__ == "__main__":
    PAGE.write_text(with_pictures(PAGE.read_text()))
