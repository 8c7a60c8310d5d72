"""The P0 attacks against a whole stack, shortened; what is asserted holds on a slow machine too."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.short_run import ShortRun

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("parts")]
OUTAGE: Final[dict[str, Any]] = {
    "duration": "13s",
    "accounts": {"count": 10},
    "stack": {
        "origin": {"timeout": 4, "breaker_open": 1.5},
        "upstreams": {"notion": {"get_page": {"mean": 0.2, "sigma": 0, "low": 0}}},
    },
    "faults": [{"at": "2s", "until": "5s", "fault": "upstream-error", "target": "notion"}],
    "phases": [
        {"name": "healthy", "start": "0s", "end": "2s"},
        {"name": "errors", "start": "2s", "end": "5s"},
        {"name": "healed", "start": "5s", "end": "13s"},
    ],
    "thresholds": {"P0.4": "wait <= 30 s"},
}
KILL: Final[dict[str, Any]] = {
    "duration": "6s",
    "stack": {"nano": {"memory_limit": 42620000, "memory_base": 41943040, "restart": 1}},
    "points": ["P0.1", "P0.2", "P0.3"],
    "thresholds": {"P0.3": "kills == 0"},
}


def test_an_agent_has_fifteen_calls_in_flight(tmp_path: Path) -> None:
    run = ShortRun(tmp_path, "agent-loop", "--protect", "none", counts=False, duration="6s")
    assert run.found["arrivals"]["extra"] == 3  # initialize, notifications/initialized, tools/list
    assert 13 <= run.point("P0.1")["value"] <= 17
    assert abs(run.point("P0.1.upstream")["value"] - run.point("P0.1")["value"]) <= 2


@pytest.mark.slow
def test_a_breaker_opens_and_service_comes_back(tmp_path: Path) -> None:
    run = ShortRun(tmp_path, "upstream-outage", "--protect", "today,breaker", counts=False, **OUTAGE)
    assert "seen open" in run.point("P0.4.wait")["evidence"]
    assert any(row["of which refused"] for row in run.point("P0.4.wait")["rows"])
    assert isinstance(run.point("P0.4.recovery")["value"], float)
    assert [row["when"] for row in run.point("P0.4.slo")["rows"]] == ["before", "during", "after"]


@pytest.mark.slow
@pytest.mark.modelled
def test_a_kill_of_the_nano_is_in_the_verdict(tmp_path: Path) -> None:
    """20 goroutines at rest and 2 of 18 KiB a call: 42,620,000 bytes hold 8 calls, and the loop needs 15."""
    run = ShortRun(tmp_path, "agent-loop", counts=False, own_stack=True, **KILL)
    assert run.code in {1, 3}  # 3: too few cores for the engine itself
    first = run.point("P0.3.kills")["rows"][0]
    assert first["instance"] == "origin-a"
    assert first["back at s"] > first["killed at s"] > 0
    assert run.found["errors"]["origin_unavailable"] > 0
