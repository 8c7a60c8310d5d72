"""A search for limits on the bundled stack that ends by its budget: what it leaves, and that it says so."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from common import exit_codes
from common.paths import ROOT
from tests.support import needs

# The smallest budget holds one or two runs, the start of a stack before them: about two minutes.
WAIT = 420.0  # seconds, on a busy machine
pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(WAIT + 60)]


def tune(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The command with the smallest budget, to its end."""
    needs.require("optuna")
    env = {key: value for key, value in os.environ.items() if key != "LOCUST_SKIP_MONKEY_PATCH"}
    with subprocess.Popen(
        [ROOT / "bin" / "tune", "--budget", "2m", "--out", folder, *words],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env,
    ) as process:  # fmt: skip
        try:
            said, _ = process.communicate(timeout=WAIT)
        finally:
            process.send_signal(signal.SIGINT)  # it ends its run and its stack itself
        return subprocess.CompletedProcess(process.args, process.returncode, said)


def test_a_search_whose_budget_is_over_says_so_and_leaves_its_runs(tmp_path: Path) -> None:
    folder = tmp_path / "tune"
    done = tune(folder)
    assert done.returncode == exit_codes.OURS, done.stdout
    assert "Its budget was over before its end." in done.stdout
    found = json.loads((folder / "tune.json").read_text())
    assert found["ended"] == "the budget is over"
    assert found["runs"] + found["aside"], done.stdout
    for run in found["runs"]:
        assert (folder / run["folder"] / "report.html").stat().st_size > 0
        assert 0 <= run["served"] <= 1
    assert "Its budget was over before its end." in (folder / "tune.html").read_text()
    assert (folder / "tune.md").stat().st_size > 0


def test_growth_whose_budget_is_over_says_what_is_not_known(tmp_path: Path) -> None:
    folder = tmp_path / "growth"
    done = tune(folder, "--growth", "10,100")
    assert done.returncode == exit_codes.OURS, done.stdout
    assert "Not known yet at 10, 100 MAU." in done.stdout
    growth = json.loads((folder / "tune.json").read_text())["growth"]
    assert growth["ended"] == "the budget is over"
    assert growth["runs"] + growth["aside"], done.stdout
    [first, *_] = (folder / "scenarios").glob("ordinary-work-t*.yaml")
    assert "count: 10" in first.read_text(), "the beginners of 10 MAU"
    assert "Not known yet at 10, 100 MAU." in (folder / "tune.html").read_text()
