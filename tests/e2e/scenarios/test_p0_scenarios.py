"""The P0 attacks against a whole stack, shortened; what is asserted holds on a slow machine too."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from common.paths import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
OUTAGE = """
extends: upstream-outage
title: A short outage
duration: 13s
accounts: {count: 10}
stack:
  origin: {timeout: 4, breaker_open: 1.5}
  upstreams: {notion: {get_page: {mean: 0.2, sigma: 0, low: 0}}}
faults:
  - {at: 2s, until: 5s, fault: upstream-error, target: notion}
phases:
  - {name: healthy, start: 0s, end: 2s}
  - {name: errors, start: 2s, end: 5s}
  - {name: healed, start: 5s, end: 13s}
thresholds: {P0.4: wait <= 30 s}
"""
KILL = """
extends: agent-loop
title: A loop that fills a tiny nano
duration: 6s
stack: {nano: {memory_limit: 42620000, memory_base: 41943040, restart: 1}}
points: [P0.1, P0.2, P0.3]
thresholds: {P0.3: kills == 0}
"""


def attack(folder: Path, scenario: str | Path, *words: str) -> tuple[int, dict[str, Any]]:
    """(exit code, verdicts.json) of one run."""
    out = folder / "run"
    env = {key: value for key, value in os.environ.items() if key != "LOCUST_SKIP_MONKEY_PATCH"}
    done = subprocess.run(
        [ROOT / "bin" / "attack", str(scenario), "--out", out, *words],
        check=False, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL, env=env,
    )  # fmt: skip
    assert (out / "verdicts.json").exists(), done.stdout + done.stderr
    return done.returncode, json.loads((out / "verdicts.json").read_text())


def point(found: dict[str, Any], id: str) -> dict[str, Any]:
    return next(one for one in found["points"] if one["id"] == id)


def written(folder: Path, name: str, text: str) -> Path:
    file = folder / f"{name}.yaml"
    file.write_text(text)
    return file


def test_an_agent_has_fifteen_calls_in_flight(tmp_path: Path) -> None:
    _, found = attack(tmp_path, "agent-loop", "--duration", "6s", "--protect", "none")
    assert found["arrivals"]["extra"] == 3  # initialize, notifications/initialized, tools/list
    assert 13 <= point(found, "P0.1")["value"] <= 17
    assert abs(point(found, "P0.1.upstream")["value"] - point(found, "P0.1")["value"]) <= 2


def test_a_breaker_opens_and_service_comes_back(tmp_path: Path) -> None:
    file = written(tmp_path, "short-outage", OUTAGE)
    _, found = attack(tmp_path, file, "--protect", "today,breaker")
    assert "seen open" in point(found, "P0.4.wait")["evidence"]
    assert any(row["of which refused"] for row in point(found, "P0.4.wait")["rows"])
    assert isinstance(point(found, "P0.4.recovery")["value"], float)
    assert [row["when"] for row in point(found, "P0.4.slo")["rows"]] == ["before", "during", "after"]


def test_a_kill_of_the_nano_is_in_the_verdict(tmp_path: Path) -> None:
    """20 goroutines at rest and 2 of 18 KiB a call: 42,620,000 bytes hold 8 calls, and the loop needs 15."""
    code, found = attack(tmp_path, written(tmp_path, "tiny-nano", KILL))
    assert code in {1, 3}  # 3: too few cores for the engine itself
    first = point(found, "P0.3.kills")["rows"][0]
    assert first["instance"] == "origin-a"
    assert first["back at s"] > first["killed at s"] > 0
    assert found["errors"]["origin_unavailable"] > 0
