"""Who may import whom: the table of docs/architecture.md, held over every file by reading its source."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from common.paths import ROOT

LOCUST = ("locustfile.py", "run/", "bench/", "users/cluster/locust_stats.py")
ROW = re.compile(r"^\| `([a-z]+)(?:/|\.py)` \|.*\| (nothing|all but .*|`.*`) \|$", re.MULTILINE)


@cache
def table() -> dict[str, str]:
    """Room → what the table says of its imports."""
    return dict(ROW.findall((ROOT / "docs" / "architecture.md").read_text()))


def may(room: str, module: str) -> bool:
    """The table lets `room` import `module`."""
    cell = table()[room]
    named = re.findall(r"`([a-z0-9_.]+)`", cell)
    within = any(module == name or module.startswith(f"{name}.") for name in named)
    return room == module.partition(".")[0] or within != cell.startswith("all but")


def imported(source: str, package: str) -> Iterator[str]:
    """Every module that a source names, at its top or inside functions, also by `import_module("…")`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: -(node.level - 1) or None] if node.level else []
            module = [*base, *([node.module] if node.module else [])]
            yield from (".".join([*module, alias.name]) for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            yield from (str(arg.value) for arg in node.args[:1] if isinstance(arg, ast.Constant))


def files() -> list[Path]:
    rooms = [ROOT / room for room in table() if (ROOT / room).is_dir()]
    return [ROOT / "locustfile.py", *(file for room in rooms for file in sorted(room.rglob("*.py")))]


def names(file: Path) -> set[str]:
    package = ".".join(file.relative_to(ROOT).parent.parts)
    return set(imported(file.read_text(), package))


@pytest.mark.parametrize("file", files(), ids=lambda file: str(file.relative_to(ROOT)))
def test_no_file_imports_against_the_arrows(file: Path) -> None:
    room = file.relative_to(ROOT).parts[0].removesuffix(".py")
    project = {name for name in names(file) if name.partition(".")[0] in {*table(), "tests"}}
    assert {name for name in project if not may(room, name)} == set()


@pytest.mark.parametrize("file", files(), ids=lambda file: str(file.relative_to(ROOT)))
def test_locust_stays_where_it_belongs(file: Path) -> None:
    here = str(file.relative_to(ROOT))
    if not here.startswith(LOCUST):
        assert not {name for name in names(file) if name.partition(".")[0] == "locust"}


def test_every_room_stands_in_the_table() -> None:
    rooms = {file.parent.name for file in ROOT.glob("*/*.py")} - {"tests"}
    assert rooms <= set(table())
    assert len(table()) >= 10


def test_the_table_says_what_the_design_says() -> None:
    assert not may("users", "fakes.settings")
    assert not may("shapes", "users.engine.engine")
    assert not may("verdicts", "fakes.settings")
    assert may("scenarios", "fakes.settings.StackSettings")
    assert not may("scenarios", "fakes.stack")
    assert may("run", "fakes.stack.start")
    assert not may("run", "bench.nginx")
    assert may("users", "users.engine.engine")


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("import fakes.stack", "fakes.stack"),
        ("import fakes.stack as s", "fakes.stack"),
        ("from fakes import stack", "fakes.stack"),
        ("from fakes.stack import main", "fakes.stack.main"),
        ("def f():\n    from fakes import stack", "fakes.stack"),
        ("if TYPE_CHECKING:\n    import fakes", "fakes"),
        ("from importlib import import_module\nimport_module('fakes.stack')", "fakes.stack"),
        ("from . import near", "users.personas.near"),
        ("from ..call import Call", "users.call.Call"),
        ("from ... import fakes", "fakes"),
    ],
)
def test_no_way_of_importing_is_overlooked(source: str, name: str) -> None:
    assert name in set(imported(source, "users.personas"))
