"""The primary restarts under open sessions: they are lost and opened anew, and all users are served again."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.short_run import ShortRun

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.usefixtures("parts")]
SHORT: Final[dict[str, Any]] = {
    "duration": "14s", "accounts": {"count": 30}, "rate": 1,
    "faults": [{"at": "3s", "for": "2s", "fault": "process-down", "target": "origin-a"}],
}  # fmt: skip


def test_every_session_is_lost_and_opened_anew(tmp_path: Path) -> None:
    run = ShortRun(tmp_path, "session-storm", **SHORT)
    assert run.sessions["opened"] == 30
    assert run.sessions["lost"] == run.sessions["reopened"] >= 30
    all_again, peak, lost = (run.figures(id) for id in ("M1.1", "M1.2", "M1.3"))
    assert all_again["hit"] == 30
    assert 2 < all_again["seconds"] < 11
    assert peak["opened"] >= 30
    assert 10 <= peak["peak"] <= peak["opened"]
    assert lost["lost"] >= 30


def test_the_modern_era_loses_none(tmp_path: Path) -> None:
    run = ShortRun(tmp_path, "session-storm-modern", **SHORT)
    assert (run.figures("M1.2")["opened"], run.figures("M1.3")["lost"]) == (0, 0)
    assert run.status("M1.1") == "pass"
