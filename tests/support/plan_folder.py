"""A plan's folder made of numbers: plan.json, and a verdicts.json for each run."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from verdicts.plan.plan_file import PlanFile, PlannedRun

Point = dict[str, Any]
MACHINE = {"cpu": "a processor", "cores": 2, "memory_bytes": 2**33, "python": "3.11", "kernel": "Linux"}


def point(id: str, value: Any, status: str = "pass", unit: str = "", **figures: float | None) -> Point:
    """A finding as verdicts.json has it."""
    return {
        "id": id, "question": "?", "value": value, "unit": unit, "basis": "measured",
        "subject": "bundled stack", "threshold": "", "status": status, "evidence": f"What {id} saw.",
        "figures": figures,
    }  # fmt: skip


def found(points: Iterable[Point], **more: Any) -> dict[str, Any]:
    """A verdicts.json, as far as a plan reads it."""
    points = list(points)
    statuses = {one["status"] for one in points}
    verdict = "fail" if "fail" in statuses else "invalid" if "invalid" in statuses else "pass"
    arrivals = {"planned": 100, "sent": 100, "late": 0, "dropped": 0, "unknown": 0}
    return {
        "scenario": "s", "started": "2026-11-24T10:00:00Z", "duration_s": 20.0,
        "target": "bundled", "subject": "bundled stack",
        "protections": ["ip-limit", "rate-limit"], "preset": "today", "version": "1", "machine": MACHINE,
        "time_scale": 1, "stop_reason": "completed", "broke_first": "nothing broke", "invalid_because": [],
        "arrivals": {**arrivals, "start_delay_ms": {"p50": 0.5, "p99": 4.2, "max": 9.0}},
        "points": points, "verdict": verdict, **more,
    }  # fmt: skip


def planned(
    scenario: str, points: Sequence[str], label: str = "", code: int | None = 0, **more: Any
) -> PlannedRun:
    """A run in the book; its folder has its name."""
    name = f"{scenario}-{label}" if label else scenario
    values = {"leads": (), "full_s": 60.0, "command": f"bin/attack {scenario}", "took_s": 30.0, **more}
    return PlannedRun(scenario, label, name, name, tuple(points), exit_code=code, **values)


def write(
    folder: Path, runs: Sequence[tuple[PlannedRun, dict[str, Any] | None]], mode: str = "quick"
) -> Path:
    """Write the folder; a run whose document is None left none."""
    folder.mkdir(parents=True, exist_ok=True)
    book = PlanFile(mode, "2026-11-24T10:00:00Z", "1", tuple(run for run, _ in runs), took_s=480.0)
    book.write(folder)
    for run, document in runs:
        if document is not None:
            (folder / run.folder).mkdir(exist_ok=True)
            (folder / run.folder / "verdicts.json").write_text(json.dumps(document))
    return folder


def whole(folder: Path) -> Path:
    """A plan with an answer of every kind: held, broken, unseen, invalid, missing, by two runs, not asked."""
    slow = [
        point("P0.1", 1698, "info", "at once (peak)", in_flight=1698),
        point("P0.1.per-user", 16, "info", "at once by one user (peak)", per_user=16),
        point("P0.3", 3040, "pass", "goroutines (at least)", goroutines=3040, kills=0),
        point("P0.3.innocents", 100.0, "pass", "% success (lowest tool)", success=1.0),
    ]
    held = [
        point("P0.1", 100, "info", "at once (peak)", in_flight=100),
        point("P0.3", 200, "fail", "goroutines (at least)", goroutines=200, kills=0),
        point("P0.3.innocents", 1.5, "fail", "% success (lowest tool)", success=0.015),
    ]
    outage = [
        {**point("P0.4", 100.0, "pass", "% success of other tools (lowest phase)", others_success=1.0)},
        {**point("P0.4.wait", 25300.0, "fail", "ms until any answer during the outage (p95)", wait=25.3),
         "threshold": "wait <= 5 s"},
    ]  # fmt: skip
    unseen = [{**point("P1.1", None, "info"), "evidence": "Not observed: no KV counters.", "figures": {}}]
    late = found([point("P1.7", 24.1, "invalid", "ms (p95)", p95=0.0241)], verdict="invalid",
                 invalid_because=["9 of 100 calls late (9.00%, allowed 1 %)"])  # fmt: skip
    health = [
        {**point("F1.3", 3.5, "pass", "s until an outage is noticed (longest, real time)"), "figures": {}}
    ]
    return write(
        folder,
        [
            (planned("health", ["F1.3"]), found(health, time_scale=20)),
            (planned("slow-api", ["P0.1", "P0.3"]), found(slow)),
            (planned("slow-api", ["P0.1", "P0.3"], "phase2", 1), found(held, preset="phase2")),
            (planned("upstream-outage", ["P0.4"], code=1), found(outage, time_scale=2)),
            (planned("kv-exhaustion", ["P1.1"]), found(unseen)),
            (planned("burst", ["P1.7"], code=3), late),
            (planned("db-pool", ["P1.9"], code=3), None),
        ],
    )
