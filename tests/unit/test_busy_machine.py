"""What a test may make again: a run that was late, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support import busy_machine
from tests.support.busy_machine import late, unless_late

LATE = {"invalid_because": ["9 of 100 calls late (9.00%, allowed 1 %)"]}
LOST = {"invalid_because": ["worker w was lost"]}
GOOD: dict[str, Any] = {"invalid_because": []}


@pytest.mark.parametrize(
    ("verdicts", "told"),
    [(LATE, True), (LOST, False), (GOOD, False), ({}, False),
     ({"invalid_because": [*LATE["invalid_because"], *LOST["invalid_because"]]}, False)],
)  # fmt: skip
def test_lateness_alone_is_the_machines(verdicts: dict[str, Any], told: bool) -> None:
    assert late(verdicts) == told


@pytest.mark.parametrize(
    ("runs", "tries"), [([GOOD], 1), ([LOST], 1), ([LATE, GOOD], 2), ([LATE, LOST], 2), ([LATE, LATE], 2)]
)
def test_one_that_was_late_is_made_once_more_and_that_is_told(
    runs: list[dict[str, Any]], tries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(busy_machine, "made_anew", told := list[str]())
    made: list[int] = []

    def make(number: int) -> dict[str, Any]:
        made.append(number)
        return runs[number]

    assert unless_late(make, lambda run: run) == runs[-1]
    assert made == list(range(tries))
    assert told == ["it: 9 of 100 calls late (9.00%, allowed 1 %)"] * (tries - 1)
