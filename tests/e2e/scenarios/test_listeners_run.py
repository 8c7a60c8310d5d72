"""Standing streams beside the traffic: they are seen, cost something, and go with their clients."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.short_run import ShortRun

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.usefixtures("parts")]
STAGES: Final = [{"for": "3s", "rate": 0}, {"for": "3s", "rate": 1}, {"for": "10s", "rate": 0}]
LISTENERS: Final[dict[str, Any]] = {
    "name": "listeners", "accounts": {"count": 60}, "rate": 1 / 3,
    "shape": {"kind": "stages", "params": {"stages": STAGES}},
    "persona": {"name": "listener", "options": {"hold": 6}},
}  # fmt: skip


@pytest.mark.parametrize("scenario", ["listeners", "listeners-modern"])
def test_streams_stand_and_go(tmp_path: Path, scenario: str) -> None:
    run = ShortRun(tmp_path, scenario, duration="16s", groups=[LISTENERS, {"name": "users"}])
    assert run.figures("M4.1")["streams"] == 60
    assert run.figures("M4.3")["left"] == 0
    assert run.figures("M4.2")["p95"] > 0
    assert run.found["arrivals"]["aborted"] == 60
    assert run.status("P1.8") == "pass"
