"""A short failover against a whole stack: the split is seen, counted by origin, and costs no money."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from common.paths import ROOT

pytestmark = pytest.mark.e2e
SHORT = """
extends: failover
title: A short failover
duration: 14s
time_scale: 20
align: 3s
phases: []
thresholds: {P3.1: max <= 100 %, P3.3: hits <= 100}
"""


def test_a_split_admits_twice_the_limit(tmp_path: Path) -> None:
    (tmp_path / "short.yaml").write_text(SHORT)
    run = tmp_path / "run"
    command = [sys.executable, "-m", "cli", "attack", str(tmp_path / "short.yaml"), "--out", str(run)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert (run / "verdicts.json").exists(), done.stdout + done.stderr
    found = {point["id"]: point for point in json.loads((run / "verdicts.json").read_text())["points"]}
    split = [row for row in found["P3.1"]["rows"] if row["state"] == "split"]
    assert split
    assert all(row["origin-a"] > 0 and row["origin-b"] > 0 for row in split)
    assert found["P3.1"]["value"] > 0
    assert found["money"]["value"] == 0
    assert found["P3.3"]["value"] == "no"
    assert found["P3.3.state"]["value"] > 0
