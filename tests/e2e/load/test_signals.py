"""Whoever stops a run gets silence at once and the whole truth about what was due until then."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from common.paths import ROOT
from telemetry.recording.sample import CUT_OFF
from tests.support.recorder.attack import Plan, Run, attack
from tests.support.recorder.handle import recorder

pytestmark = pytest.mark.e2e

PLAN: Final = Plan(accounts=50, rate=4, seconds=30)
STOP_AT: Final = 5.0  # seconds into the load
SILENT_WITHIN: Final = 2.0
FLUSHED_WITHIN: Final = 1.0
REPORT: Final = ("verdicts.json", "report.html", "junit.xml", "end.json", "run.log")


@pytest.mark.parametrize(
    "number",
    [
        pytest.param(signal.SIGINT, id="SIGINT"),
        pytest.param(signal.SIGTERM, id="SIGTERM", marks=pytest.mark.slow),
    ],
)
def test_a_signal_ends_the_load_and_keeps_the_report(tmp_path: Path, number: signal.Signals) -> None:
    with recorder(3.0) as server, attack(PLAN, server.base_url, tmp_path) as running:
        start = running.wait_until(STOP_AT)
        signalled = running.signal(number)
        run = running.wait()
        assert not running.left_over()
        recording = server.recording()
    assert recording.rows["arrived"].max() <= signalled + SILENT_WITHIN + run.lag
    # the recorder sees the end of what was in flight, too
    assert np.nanmax(recording.rows["ended"]) <= signalled + SILENT_WITHIN + 0.5 + run.lag
    assert [name for name in REPORT if not (run.folder / name).exists()] == []
    _check_stopped_report(run, signalled - start, "Ctrl-C" if number == signal.SIGINT else number.name)
    arrivals = run.arrivals
    assert arrivals["sent"] + arrivals["extra"] - len(recording.rows) in range(_cut_on_the_way(run) + 1)


def _check_stopped_report(run: Run, stopped: float, name: str) -> None:
    """The report is about what was due until the stop, but for a last moment, and says why."""
    run.check_ledger()
    due, moment = PLAN.per_second * stopped, PLAN.per_second * CUT_OFF
    assert due - moment - 2 <= run.arrivals["planned"] <= due + PLAN.per_second * (SILENT_WITHIN + run.lag)
    assert run.arrivals["aborted"] > 0
    assert name in run.verdicts["stop_reason"]
    assert "Traceback" not in run.log


def _cut_on_the_way(run: Run) -> int:
    """Calls that were sent so shortly before the stop that a busy server may have missed them."""
    sent = run.samples["sent"]
    return int((sent > np.nanmax(sent) - 0.2).sum())


@pytest.mark.slow
def test_a_killed_run_keeps_every_number_up_to_its_last_flush(tmp_path: Path) -> None:
    with recorder(0.2) as server, attack(PLAN, server.base_url, tmp_path) as running:
        start = running.wait_until(STOP_AT)
        killed = running.signal(signal.SIGKILL) - start
        running.wait()
        time.sleep(SILENT_WITHIN)
        assert not running.left_over()
        recording = server.recording()
    run = running.run
    derive(run.folder)
    flushed = len(run.samples)
    flushed_until = killed - FLUSHED_WITHIN - 0.2 - run.lag
    assert run.samples["done"].max() >= flushed_until
    done = (recording.rows["ended"] - start < flushed_until).sum()
    assert flushed >= done, "calls that ended before the last flush are missing"
    arrivals = run.arrivals
    assert arrivals["planned"] == arrivals["sent"] + arrivals["dropped"] + arrivals["unknown"]
    assert arrivals["ok"] == flushed - arrivals["extra"]
    assert arrivals["sent"] + arrivals["extra"] <= len(recording.rows)
    after_the_flush = PLAN.per_second * (FLUSHED_WITHIN + 0.2 + run.lag)
    known = arrivals["sent"] + arrivals["extra"] + arrivals["unknown"]
    assert len(recording.rows) <= known + after_the_flush
    assert run.verdicts["verdict"] == "invalid"


def derive(folder: Path) -> None:
    """Make the verdict files anew, as `make report` does; the exit code says invalid."""
    command = [sys.executable, "-m", "verdicts", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
