"""Seeded bugs hand answers over: as many are found as they count themselves, and none on the clean stack."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest

from fakes.settings import BUGS
from tests.support.short_run import ShortRun
from verdicts.run.reading import load

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
COUNTER: Final = "mcpist_bug_answers_total"
SHORT: Final[dict[str, Any]] = {"duration": "8s", "faults": []}  # a kill would take the bugs' counts with it


def test_every_seeded_bug_is_found_as_often_as_it_struck(tmp_path: Path) -> None:
    shares = {**dict.fromkeys(BUGS, 0.02), "late-answer": 0.2}  # the latter: of callers who left
    run = ShortRun(tmp_path, "crosstalk-bugs", own_stack=True, stack={"bugs": shares}, **SHORT)
    counted = load(run.folder).target
    struck = {name: counted.sum(COUNTER, "origin-", bug=name) for name in BUGS}
    assert all(count > 0 for count in struck.values())
    assert run.figures("I1")["foreign"] == sum(struck.values())
    assert (run.code, run.status("I1")) == (1, "fail")


@pytest.mark.usefixtures("parts")
def test_the_stack_as_it_is_hands_none_over(tmp_path: Path) -> None:
    run = ShortRun(tmp_path, "crosstalk", **SHORT)
    one = run.figures("I1")
    assert (one["foreign"], one["wrong"], run.status("I1")) == (0, 0, "pass")
    assert one["checked"] > 500
