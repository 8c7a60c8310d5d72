"""Half of the users in each era: the edge tells what a call of each costs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.short_run import ShortRun

pytestmark = pytest.mark.e2e


def test_each_era_has_its_cost(tmp_path: Path) -> None:
    cost = ShortRun(tmp_path, "era-mix", duration="8s").figures("M2.1")
    assert cost["bytes_modern"] > cost["bytes_legacy"] > 200
    assert 0 < cost["cpu_legacy"] < 0.01
    assert 0 < cost["cpu_modern"] < 0.01
    assert cost["cpu_ratio"] == pytest.approx(cost["cpu_modern"] / cost["cpu_legacy"])
