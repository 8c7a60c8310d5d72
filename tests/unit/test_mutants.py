"""What `make mutants` counts, and that docs/testing.md tells it of the files that it takes."""

from __future__ import annotations

import math
import re
from typing import Final

import pytest

from common.paths import ROOT
from tests.mutation.scope import SCOPE
from tests.mutation.score import FileScore, score, table, total

ROW: Final = re.compile(
    r"^\| `([\w/.]+)` \| ([\d,]+) \| ([\d,]+) \| (\d+) \| (\d+) \| ([\d.]+)% \|$", re.MULTILINE
)


def test_each_mutant_counts_as_what_came_of_it() -> None:
    found = score("shapes/base.py", ["killed", "survived", "killed", "timed out"])
    assert found == FileScore("shapes/base.py", killed=2, timed_out=1, survived=1)
    assert (found.mutants, found.share) == (4, 0.75)
    assert total([found, FileScore("b.py", 1, 2, 3)]) == FileScore("all", 3, 3, 4)
    assert math.isnan(total([]).share)


def test_the_table_has_a_line_a_file_and_one_for_all() -> None:
    files = [FileScore("a.py", 1200, 3, 1), FileScore("b.py", 1, 0, 0)]
    assert table(files).splitlines()[2:] == [
        "| `a.py` | 1,204 | 1,200 | 3 | 1 | 99.9% |",
        "| `b.py` | 1 | 1 | 0 | 0 | 100.0% |",
        "| `all` | 1,205 | 1,201 | 3 | 1 | 99.9% |",
    ]


@pytest.mark.parametrize("path", sorted({*SCOPE, *(test for tests in SCOPE.values() for test in tests)}))
def test_what_is_changed_and_what_has_to_notice_is_there(path: str) -> None:
    assert (ROOT / path).is_file()


def test_all_of_the_shapes_are_changed() -> None:
    files = (file for file in (ROOT / "shapes").rglob("*.py") if file.name != "__init__.py")
    assert {str(file.relative_to(ROOT)) for file in files} <= set(SCOPE)


def test_the_page_tells_of_every_file_and_its_lines_add_up() -> None:
    page = (ROOT / "docs" / "testing.md").read_text()
    rows = {name: rest for name, *rest in ROW.findall(page)}
    counts = {name: [int(one.replace(",", "")) for one in rest[:4]] for name, rest in rows.items()}
    whole = counts.pop("all")
    assert set(counts) <= set(SCOPE)
    assert all(f"`{path}`" in page for path in SCOPE)
    assert whole == [sum(column) for column in zip(*counts.values(), strict=True)]
    for name, (mutants, killed, timed_out, survived) in {**counts, "all": whole}.items():
        assert killed + timed_out + survived == mutants
        assert rows[name][4] == f"{100 * (killed + timed_out) / mutants:.1f}"
