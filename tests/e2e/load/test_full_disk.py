"""A disk that fills up in mid-run: load ends at once, one line says why, what was written before is reported.

`RLIMIT_FSIZE` of the running process stands in for the disk: a file takes what fits and refuses the rest. It
is lifted once the load has ended, so that there is room for the report.
"""

from __future__ import annotations

import resource
import time
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from telemetry.recording.sample import SAMPLE
from tests.support.recorder.attack import Attack, Plan, attack
from tests.support.recorder.handle import recorder

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

PLAN: Final = Plan(accounts=50, rate=10, seconds=30)
ROOM: Final = 40_000  # bytes of a file: a second's load
ENDS_WITHIN: Final = 4.0  # seconds after the first write that failed


def limit(pid: int, size: int) -> None:
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def until_full(running: Attack) -> float:
    """When the first entry did not fit any more."""
    file = running.run.folder / "samples-local.bin"
    before = -1
    while (size := file.stat().st_size) > before:
        before = size
        time.sleep(1.2)
    return time.monotonic()


def test_a_full_disk_ends_the_run_and_what_was_written_is_reported(tmp_path: Path) -> None:
    with recorder(0.05) as server, attack(PLAN, server.base_url, tmp_path) as running:
        start = running.wait_until(0.5)
        limit(running.pid, ROOM)
        full = until_full(running)
        limit(running.pid, resource.RLIM_INFINITY)
        run = running.wait()
        recording = server.recording()
    assert running.exit_code == 3
    assert "Traceback" not in running.console + run.log
    assert "File too large" in running.console
    assert recording.rows["arrived"].max() <= full + ENDS_WITHIN, "load went on without its record"
    raw = (run.folder / "samples-local.bin").read_bytes()
    assert len(raw) % SAMPLE.itemsize == 0
    assert len(raw) <= ROOM
    run.check_ledger()
    assert 0 < run.arrivals["sent"] == len(run.planned) <= len(recording.rows)
    assert run.arrivals["unknown"] >= 0
    assert run.planned["planned"].max() <= full - start
    assert np.isfinite(run.planned["sent"]).all()
    assert run.verdicts["verdict"] == "invalid"
    assert not (run.folder / "end.json").exists()


def test_a_run_that_may_open_few_files_does_not_hang(tmp_path: Path) -> None:
    """Every instance is new and every error text too, and no file is left for either."""
    plan = Plan(accounts=20, rate=4, seconds=3, path="/many-instances", timeout=3)
    from tests.support.recorder.handle import nasty

    with nasty() as server:
        running = attack(plan, server.base_url, tmp_path, 60)
        with running as one:
            resource.prlimit(one.pid, resource.RLIMIT_NOFILE, (200, 200))
            run = one.wait()
    assert one.exit_code in (0, 3), one.console
    assert "Traceback" not in one.console + run.log
    run.check_ledger()
    assert (run.folder / "end.json").exists()
