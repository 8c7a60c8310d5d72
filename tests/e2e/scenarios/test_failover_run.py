"""A short failover against a whole stack: the split is seen, counted by origin, and costs no money."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.short_run import ShortRun

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.usefixtures("parts")]
SHORT: Final[dict[str, Any]] = {
    "duration": "14s",
    "time_scale": 20,
    "align": "3s",
    "thresholds": {"P3.1": "max <= 100 %", "P3.3": "hits <= 100"},
}


def test_a_split_admits_twice_the_limit(tmp_path: Path) -> None:
    run = ShortRun(tmp_path, "failover", counts=False, **SHORT)
    split = [row for row in run.point("P3.1")["rows"] if row["state"] == "split"]
    assert split
    assert all(row["origin-a"] > 0 and row["origin-b"] > 0 for row in split)
    assert run.point("P3.1")["value"] > 0
    assert run.point("money")["value"] == 0
    assert run.point("P3.3")["value"] == "no"
    assert run.point("P3.3.state")["value"] > 0
