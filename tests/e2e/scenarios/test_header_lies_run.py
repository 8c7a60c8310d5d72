"""Headers that lie: who compares them, and what a limit by name is worth where nobody does."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.short_run import ShortRun

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.usefixtures("parts")]


@pytest.mark.parametrize(
    ("scenario", "passed", "evaded"), [("header-lies", 0, 0), ("header-lies-believed", 1, 2)]
)
def test_a_lie_passes_where_nobody_compares(
    tmp_path: Path, scenario: str, passed: float, evaded: float
) -> None:
    run = ShortRun(tmp_path, scenario, duration="6s")
    assert run.figures("M3.1")["passed"] == pytest.approx(passed, abs=0.05)
    assert run.figures("M3.2")["evaded"] == pytest.approx(evaded, rel=0.1)
    assert run.status("P1.8") == "pass"  # the honest users'
