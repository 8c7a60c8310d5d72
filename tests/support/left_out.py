"""What `make test` leaves out: tests marked `slow`. REQUIRE_ALL=1 runs them, and so does naming their file.

Processes of pytest that share the tests tell the one that started them, which says it in its last lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import pytest

from tests.support import busy_machine
from tests.support.needs import everything

MARK: Final = "slow"
Told = dict[str, Any]  # as one process of pytest tells another: numbers and texts


def divided(
    items: Sequence[pytest.Item], named: Iterable[str]
) -> tuple[list[pytest.Item], list[pytest.Item]]:
    """(those that run, those that are left out); `named`: the files and folders that pytest was given."""
    if everything() or any(".py" in one for one in named):
        return list(items), []
    kept: list[pytest.Item] = []
    long: list[pytest.Item] = []
    for item in items:
        (kept if item.get_closest_marker(MARK) is None else long).append(item)
    return kept, long


def told(left_out: int) -> Told:
    """What this process has to say at its end."""
    return {"left_out": left_out, "made_anew": busy_machine.made_anew}


def lines(every: Sequence[Mapping[str, Any]]) -> list[str]:
    """The last lines, of what each process told; every one of them was given all tests."""
    anew = [f"a run was made anew: {why}" for one in every for why in one["made_anew"]]
    count = max((one["left_out"] for one in every), default=0)
    said = f"{count} long tests were left out, REQUIRE_ALL=1 make test runs them, too"
    return [*anew, said] if count else anew
