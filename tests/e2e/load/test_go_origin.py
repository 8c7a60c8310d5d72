"""P0.2 on a real Go server: memory against goroutines is measured there, not modelled.

The server (`go_origin/`, net/http alone) is built where `go` is installed. A call in flight is at least two
goroutines of net/http: the handler's, and the one that watches the connection meanwhile.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from common.paths import ROOT
from tests.support import needs, warm_runs
from tests.support.recorder.attack import as_a_user

SOURCE = ROOT / "tests" / "support" / "go_origin"
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
]
SCENARIO = """
title: Slow calls on a Go server
duration: 8s
accounts: {count: 20}
rate: 2
tools: [{module: notion, tool: search, params: {query: a}}]
points: [P0.1, P0.2, P0.3]
thresholds: {P0.1: in_flight <= 500, P0.2: memory <= 1 GB}
"""
TARGET = """
name: go-origin
base_url: %s
metrics: [%s/metrics]
"""
FITTED = r"at most ([\d,]+) goroutines .* ([\d,.]+) bytes a goroutine by least squares up to there"


@pytest.fixture(scope="module")
def binary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("go") / "go-origin"
    env = {**os.environ, "GOFLAGS": "-mod=mod -buildvcs=false", "GOPROXY": "off", "GOTOOLCHAIN": "local"}
    done = subprocess.run(
        [needs.require("go"), "build", "-o", made, "."],
        cwd=SOURCE,
        env=env,
        check=False,
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr
    return made


@pytest.fixture
def server(binary: Path) -> Iterator[str]:
    """The base URL of a server whose tool takes 2 seconds."""
    process = subprocess.Popen([binary, "-answer", "2s"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process, process.stdout:
        yield process.stdout.readline().strip()
        process.kill()


def attack(folder: Path, base_url: str) -> dict[str, Any]:
    for name, text in (("go-calls", SCENARIO), ("go-target", TARGET % (base_url, base_url))):
        (folder / f"{name}.yaml").write_text(text)
    words = [folder / "go-calls.yaml", "--target", folder / "go-target.yaml", "--out", folder / "run"]
    run = warm_runs.start([*map(str, words)], ROOT, as_a_user(), folder / "console.log")
    code = warm_runs.ended(run, 120)
    assert code in {0, 3}, (folder / "console.log").read_text()  # 3: too few cores for the engine itself
    return dict(json.loads((folder / "run" / "verdicts.json").read_text()))


def test_memory_against_goroutines_is_measured_on_a_go_server(tmp_path: Path, server: str) -> None:
    found = attack(tmp_path, server)
    points = {point["id"]: point for point in found["points"]}
    memory = points["P0.2"]
    told = (memory["basis"], memory["subject"], memory["unit"])
    assert told == ("measured", "target", "MiB resident (peak)")
    assert memory["value"] > 1
    fitted = re.search(FITTED, memory["evidence"])
    assert fitted, memory["evidence"]
    goroutines, each = (float(text.replace(",", "")) for text in fitted.groups())
    flying = points["P0.1"]["value"]
    assert points["P0.1"]["subject"] == "target"
    assert 70 <= flying <= 100  # 40 req/s of 2 s
    assert goroutines >= 2 * flying * 0.8
    assert 500 < each < 500_000
    assert (points["P0.3"]["basis"], points["P0.3"]["subject"]) == ("measured", "target")
    assert not found["errors"]
