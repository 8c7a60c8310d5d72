"""A split between two origins, in each era: what does it cost that one does not know the other's sessions?"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.short_run import ShortRun

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.usefixtures("parts")]
SHORT: Final[dict[str, Any]] = {
    "duration": "16s", "time_scale": 20,
    "faults": [{"at": "1s", "fault": "health-fail", "target": "origin-a"}],
}  # fmt: skip


@pytest.mark.parametrize(("scenario", "lost"), [("failover-legacy", True), ("failover-modern", False)])
def test_calls_are_lost_with_sessions_alone(tmp_path: Path, scenario: str, lost: bool) -> None:
    run = ShortRun(tmp_path, scenario, **SHORT)
    assert (run.figures("M1.3")["share"] > 0.1) is lost
    assert run.status("M1.3") == ("fail" if lost else "pass")
    assert bool(run.sessions) is lost
