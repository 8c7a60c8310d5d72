"""What ends a run early: `make stop`, a storm of refusals or errors, a health check that fails."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from common.paths import ROOT
from tests.support.recorder.attack import Plan, Run, attack
from tests.support.recorder.handle import nasty, recorder

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

PLAN: Final = Plan(accounts=10, rate=4, seconds=60, timeout=5)
REPORT: Final = ("verdicts.json", "report.html", "junit.xml", "end.json", "run.log")


def stop(run: Path) -> subprocess.CompletedProcess[str]:
    """Of this run alone: other tests may have theirs under way."""
    return subprocess.run(
        [ROOT / "bin" / "stop", run],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def whole(run: Run, says: str) -> None:
    """The run was stopped long before its end, for that reason, and its report is whole."""
    assert [name for name in REPORT if not (run.folder / name).exists()] == []
    run.check_ledger()
    assert says in run.verdicts["stop_reason"]
    assert run.arrivals["planned"] < PLAN.per_second * PLAN.seconds / 2
    assert "Traceback" not in run.log


@pytest.mark.parametrize("workers", [0, 2])
def test_make_stop_ends_the_run_and_keeps_the_report(tmp_path: Path, workers: int) -> None:
    plan = replace(PLAN, workers=workers)
    with recorder(0.2) as server, attack(plan, server.base_url, tmp_path) as running:
        running.wait_until(2.0)
        done = stop(running.run.folder)
        run = running.wait()
        assert not running.left_over()
        recording = server.recording()
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == f"ended: {run.folder}"
    assert running.exit_code == 3
    assert ", by make stop\n" in running.console
    whole(run, "stopped by make stop")
    assert run.arrivals["sent"] + run.arrivals["extra"] - len(recording.rows) in range(5)


STOP: Final[dict[int, tuple[dict[str, Any], str]]] = {
    0: (  # workers
        {"path": "/status-500", "scenario_keys": {"stop_when": {"status_5xx_share": 1.0, "for": "1s"}}},
        "stop_when of the scenario: status_5xx_share 1",
    ),
    2: (
        {"path": "/status-429", "target_keys": {"stop_when": {"status_429_share": 0.9, "for": "2s"}}},
        "target test-server: status_429_share 0.9",
    ),
}


@pytest.mark.parametrize("workers", STOP)
def test_a_storm_ends_the_run(tmp_path: Path, workers: int) -> None:
    """The target may ask for it, and the scenario; each wish alone: tests/unit/run/test_stop_watch.py."""
    keys, says = STOP[workers]
    plan = replace(PLAN, workers=workers, **keys)
    with nasty() as server, attack(plan, server.base_url, tmp_path, warm=True) as running:
        run = running.wait()
        received = sum(server.stats()["received"].values())
    whole(run, says)
    counts = run.arrivals
    assert counts["extra"] == 0
    assert counts["sent"] == counts["failed"] + counts["aborted"]
    assert counts["failed"] <= received <= counts["sent"]  # one that was cut off may not have come that far


def test_a_failing_health_check_ends_the_run(tmp_path: Path) -> None:
    plan = replace(
        PLAN, path="/good", target_keys={"health": "/status-500", "stop_when": {"health_failures": 3}}
    )
    with nasty() as server, attack(plan, server.base_url, tmp_path, warm=True) as running:
        run = running.wait()
        received = server.stats()["received"]
    whole(run, "target test-server: 3 health checks in a row failed (last: status 500)")
    assert received["good"] == run.arrivals["sent"] == run.arrivals["ok"]
    assert received["status-500"] >= 3


def test_what_is_below_the_bound_ends_nothing(tmp_path: Path) -> None:
    wish = {"status_5xx_share": 0.01, "status_429_share": 0.01, "refused_share": 0.01, "for": "1s"}
    keys = {"health": "/good", "stop_when": {**wish, "health_failures": 1}}
    plan = replace(PLAN, seconds=3, path="/good", target_keys=keys)
    with nasty() as server, attack(plan, server.base_url, tmp_path, warm=True) as running:
        run = running.wait()
    assert run.verdicts["stop_reason"] == "completed"
