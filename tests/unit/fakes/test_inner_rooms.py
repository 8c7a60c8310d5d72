"""The rooms within `fakes/` import one another without circles."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Final

from common.paths import ROOT

FAKES: Final = ROOT / "fakes"


def room(module: str) -> str:
    """`fakes.edge.auth` → edge; a module right below `fakes` is a room of its own."""
    return module.split(".")[1]


def imports(file: Path) -> set[str]:
    """The inner rooms that a file names, at its top or inside a function."""
    named: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            named |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level
            named |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {room(name) for name in named if name.startswith("fakes.")}


def test_no_circles_among_the_inner_rooms() -> None:
    graph: dict[str, set[str]] = {}
    for file in FAKES.rglob("*.py"):
        here = room(".".join(file.relative_to(ROOT).with_suffix("").parts))
        graph.setdefault(here, set()).update(imports(file) - {here})
    order = list(TopologicalSorter(graph).static_order())  # raises CycleError
    assert order.index("http") < order.index("protections") < order.index("edge")


def test_protections_know_no_process() -> None:
    seen = set().union(*(imports(file) for file in (FAKES / "protections").glob("*.py")))
    assert not seen & {"edge", "origin", "stack", "database", "processes"}
