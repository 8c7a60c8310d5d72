"""Callers give up: what goes on without them, by how their era lets them say so."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.short_run import ShortRun

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.usefixtures("parts")]


@pytest.mark.parametrize(("scenario", "share"), [("cancel", 0), ("cancel-leave", 1), ("cancel-modern", 0)])
def test_work_goes_on_where_nobody_was_told(tmp_path: Path, scenario: str, share: float) -> None:
    run = ShortRun(tmp_path, scenario, duration="6s")
    work = run.figures("M5.1")
    assert 58 <= work["left"] <= 60  # each of them is given up once; an answer of the edge may come before
    assert work["share"] == share
    after = run.figures("L1")
    assert (after["calls"], 1.0 < after["each"] < 2.5) == (share * work["left"], bool(share))
    assert run.status("M5.1") == run.status("L1") == ("fail" if share else "pass")
