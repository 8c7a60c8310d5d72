"""Half of the users in each era, on one endpoint: all are served, and the edge tells what each costs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.short_run import ShortRun

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def few(era: str) -> dict[str, Any]:
    return {"name": era, "accounts": {"count": 5}, "rate": 2, "shape": {"kind": "constant"}}


@pytest.mark.parametrize("kept", ["memory", "shared"])
def test_both_eras_are_served_and_each_has_its_cost(tmp_path: Path, kept: str) -> None:
    groups, stack = [few(era) for era in ("legacy", "modern")], {"mcp": {"sessions": kept}}
    run = ShortRun(tmp_path, "era-mix", counts=False, duration="4s", groups=groups, stack=stack)
    assert run.found["arrivals"]["ok"] == run.found["arrivals"]["planned"] == 80, run.found["failures"]
    assert run.sessions == {"opened": 5, "lost": 0, "reopened": 0, "closed": 5}  # the modern era has none
    cost = run.figures("M2.1")
    assert cost["bytes_modern"] > cost["bytes_legacy"] > 200
    assert 0 < cost["cpu_legacy"] < 0.01
    assert 0 < cost["cpu_modern"] < 0.01
    assert cost["cpu_ratio"] == pytest.approx(cost["cpu_modern"] / cost["cpu_legacy"])
