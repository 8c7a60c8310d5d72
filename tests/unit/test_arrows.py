"""Who may import whom: the tables of docs/architecture.md, held over every file by reading its source."""

import ast
import re
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from common.paths import ROOT
from tests.support import rooms

LOCUST = ("locustfile.py", "run/", "bench/", "cli/launch/locust_main.py", "users/cluster/locust_stats.py")
ROW = re.compile(r"^\| `([a-z_/]+?)(?:/|\.py)` \|.*\| (nothing|all but .*|`.*`) \|$", re.MULTILINE)
HAND = re.compile(r"^\d+\. `([\w/]+\.(?:py|yaml|html))`", re.MULTILINE)
FLOW = re.compile(r"^### From .*?(?=^#|\Z)", re.MULTILINE | re.DOTALL)
MAX_HANDS = 8
MAX_FILES = 15
# A file each of one kind: there may be as many as there are.
PEERS = {"cli", "verdicts/points", "fakes/protections", "fakes/faults", "users/personas", "scenarios"}


@cache
def page() -> str:
    return rooms.PAGE.read_text()


@cache
def table() -> dict[str, str]:
    """Room → what the tables say of its imports."""
    return dict(ROW.findall(page()))


def may(room: str, module: str) -> bool:
    """The tables let `room` import `module`.

    A name in a table stands for a room alone (`users.mcp`), for a room with all rooms inside (`users.*`), or
    for one file of a room.
    """
    there = rooms.room_of_module(module)
    cell = table()[room]
    within = any(_names(name, there, module) for name in re.findall(r"`([a-z0-9_.*]+)`", cell))
    return there == room or within != cell.startswith("all but")


def _names(name: str, there: str | None, module: str) -> bool:
    if there is None:
        return False
    if name.endswith(".*"):
        return f"{there.replace('/', '.')}.".startswith(name[:-1])
    if name.replace(".", "/") in rooms.rooms():
        return there == name.replace(".", "/")
    return module == name or module.startswith(f"{name}.")


def test_no_file_imports_against_the_arrows() -> None:
    against = {}
    for file in rooms.files():
        room = rooms.room_of_file(file)
        if room in rooms.rooms():
            ours = {name for name in rooms.imports_of(file) if rooms.room_of_module(name)}
            against[str(file)] = {name for name in ours if not may(room, name)}
    assert len(against) > 300
    assert {file: names for file, names in against.items() if names} == {}


def test_locust_stays_where_it_belongs() -> None:
    others = [file for file in rooms.files() if not str(file).startswith(LOCUST)]
    read = {str(file): {name.partition(".")[0] for name in rooms.imports_of(file)} for file in others}
    assert [file for file, names in read.items() if "locust" in names] == []


def test_every_room_stands_in_a_table_and_only_those() -> None:
    assert set(table()) == set(rooms.rooms())


def test_no_rooms_import_each_other_in_a_circle() -> None:
    assert rooms.circle(rooms.graph()) == []
    assert rooms.circle(rooms.top(rooms.graph())) == []


def test_no_files_import_each_other_in_a_circle() -> None:
    names = {
        str(file.with_suffix("")).replace("/", ".").removesuffix(".__init__"): file for file in rooms.files()
    }

    def module(name: str) -> str | None:
        return (
            name if name in names else name.rpartition(".")[0] if name.rpartition(".")[0] in names else None
        )

    arrows = {
        name: {there for one in rooms.imports_of(file) if (there := module(one)) and there != name}
        for name, file in names.items()
    }
    assert rooms.circle(arrows) == []


def test_no_room_has_more_files_than_can_be_looked_through() -> None:
    counts = {
        room: len([f for f in rooms.files() if rooms.room_of_file(f) == room]) for room in rooms.rooms()
    }
    own = {
        room: count for room, count in counts.items() if room not in PEERS and not room.startswith("bench")
    }
    assert {room: count for room, count in own.items() if count > MAX_FILES + 1} == {}  # with __init__.py


def test_no_class_name_stands_for_two_things() -> None:
    """A public class is known by its name alone; private ones are their file's own."""
    seen: dict[str, list[str]] = {}
    for file in rooms.files():
        for node in ast.parse((ROOT / file).read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                seen.setdefault(node.name, []).append(str(file))
    assert {name: files for name, files in seen.items() if len(files) > 1} == {}


def test_the_pictures_are_those_of_the_imports() -> None:
    """`python -m tests.support.rooms` draws them anew."""
    assert page() == rooms.with_pictures(page())
    assert len(rooms.PICTURE.findall(page())) >= 5


def test_each_flow_goes_from_hand_to_hand_without_climbing() -> None:
    """Each hand is a file that is there; a flow's later hands never are above the earlier ones."""
    flows = FLOW.findall(page())
    assert len(flows) == 4
    for flow in flows:
        hands = HAND.findall(flow)
        assert 3 <= len(hands) <= MAX_HANDS, flow
        assert [hand for hand in hands if not (ROOT / hand).exists()] == []
        above = [rooms.room_of_file(Path(hand)) for hand in hands]
        assert [(up, down) for up, down in pairwise(above) if up != down and up in rooms.below(down)] == []


def test_the_tables_say_what_the_design_says() -> None:
    assert not may("users/engine", "fakes.settings")
    assert not may("shapes", "users.engine.engine")
    assert not may("verdicts/judge", "fakes.settings")
    assert not may("users/transport", "users.mcp.answers")
    assert may("scenarios", "fakes.settings.StackSettings")
    assert not may("scenarios", "fakes.stack.supervisor")
    assert may("users/engine", "users.engine.ledger")
    assert not may("users/mcp", "users.engine.ledger")


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
    assert name in set(rooms.imported(source, "users.personas"))
