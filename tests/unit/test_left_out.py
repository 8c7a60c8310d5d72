"""What `make test` leaves out, and what its last lines say of it."""

from __future__ import annotations

from typing import Any, cast

import pytest

from tests.support import busy_machine
from tests.support.left_out import divided, lines, told

FOLDERS = ("tests/e2e",)


class Item:
    """A test, as far as its mark goes."""

    def __init__(self, mark: str) -> None:
        self._mark = mark

    def get_closest_marker(self, name: str) -> str | None:
        return name if name == self._mark else None


LONG, SHORT = Item("slow"), Item("e2e")
ITEMS = cast(list[pytest.Item], [LONG, SHORT])


@pytest.mark.parametrize(
    ("named", "all_wanted", "left"),
    [
        (FOLDERS, "", [LONG]),
        (FOLDERS, "0", [LONG]),
        (FOLDERS, "1", []),
        (("tests/e2e/load/test_kills.py",), "", []),
        (("tests/e2e/load/test_kills.py::test_one",), "", []),
    ],
)
def test_long_tests_run_where_all_are_wanted_or_their_file_is_named(
    named: tuple[str, ...], all_wanted: str, left: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUIRE_ALL", all_wanted)
    runs, out = divided(ITEMS, named)
    assert out == left
    assert [one for one in ITEMS if one not in left] == runs


def test_each_process_was_given_all_tests_and_made_its_own_runs_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(busy_machine, "made_anew", ["waves: 9 of 100 calls late (9.00%, allowed 1 %)"])
    said = lines([told(7), {"left_out": 7, "made_anew": []}])
    assert said == [
        "a run was made anew: waves: 9 of 100 calls late (9.00%, allowed 1 %)",
        "7 long tests were left out, REQUIRE_ALL=1 make test runs them, too",
    ]
    assert lines([{"left_out": 0, "made_anew": []}]) == lines([]) == []
