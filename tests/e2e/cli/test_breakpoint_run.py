"""A breakpoint search with real runs, of a nano so small that the model's breakpoint is near 20 req/s."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from common.paths import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
# 20 calls of 2 goroutines and 20 at rest are 60 × 18 KiB = 1,105,920 bytes over the base; answers take 1 s.
TINY = """
title: A nano that holds twenty calls
duration: 3s
drain: 1s
groups:
  - name: spammers
    attack: true
    rate: 4
    accounts: {count: 4}
    tools: [{module: notion, tool: search, params: {query: a}}]
  - name: innocents
    accounts: {count: 2}
    tools: [{module: fast, tool: echo, params: {text: hello}}]
stack:
  upstreams: {notion: {search: {mean: 1, sigma: 0, low: 0, high: 1}}}
  nano: {memory_base: 41943040, memory_limit: 43049000, restart: 0.5}
points: [P0.1, P0.2, P0.3]
thresholds: {P0.3: "kills == 0, success >= 90 %"}
"""


def start(folder: Path, *words: str) -> subprocess.Popen[str]:
    file = folder / "tiny.yaml"
    file.write_text(TINY)
    env = {key: value for key, value in os.environ.items() if key != "LOCUST_SKIP_MONKEY_PATCH"}
    return subprocess.Popen(
        [ROOT / "bin" / "breakpoint", file, "--protect", "none", "--out", folder / "table", *words],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env,
    )  # fmt: skip


def row(folder: Path) -> dict[str, Any]:
    (found,) = json.loads((folder / "table" / "breakpoint.json").read_text())["rows"]
    return dict(found)


def test_the_breakpoint_of_the_model_is_found(tmp_path: Path) -> None:
    search = start(tmp_path, "--tolerance", "0.5")
    said, _ = search.communicate(timeout=280)
    found = row(tmp_path)
    limits = {trial["limit"] for trial in found["trials"] if trial["verdict"] != "pass"}
    assert limits <= {"nano memory", "this machine"}
    if "this machine" in limits:  # too few cores for the engine itself
        return
    assert search.returncode == 0, said
    assert (found["kind"], found["limit"], found["confirmed"]) == ("breakpoint", "nano memory", True)
    assert found["lower"] <= 20 < found["upper"] * 1.1
    assert found["upper"] <= found["lower"] * 1.51
    assert "nano memory" in said
    page = (tmp_path / "table" / "breakpoint.html").read_text()
    assert found["trials"][0]["folder"] + "/report.html" in page


def test_ctrl_c_ends_the_trial_and_leaves_the_table(tmp_path: Path) -> None:
    search = start(tmp_path)
    deadline = time.monotonic() + 120
    while not list((tmp_path / "table").glob("001-*/run.json")):
        assert time.monotonic() < deadline
        assert search.poll() is None
        time.sleep(0.1)
    search.send_signal(signal.SIGINT)
    said, _ = search.communicate(timeout=120)
    assert search.returncode == 3, said
    assert (row(tmp_path)["kind"], row(tmp_path)["note"]) == ("none", "stopped")
    assert (tmp_path / "table" / "breakpoint.html").exists()
    assert list((tmp_path / "table").glob("001-*/verdicts.json"))  # the trial still wrote its report
