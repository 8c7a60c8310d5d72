"""An exporter beside a run that is being written, for tests with a real database behind it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from telemetry.exporter import process as exporter_process
from tests.support.influx.run_writer import RunWriter


def started(run: RunWriter, env: dict[str, str]) -> exporter_process.ExporterProcess:
    """The exporter of a run, which telemetry is on for."""
    handle = exporter_process.start(run.run_dir, env)
    assert handle is not None
    return handle


def wait_for(met: Callable[[], object], patience: float) -> None:
    """Until it is met, for `patience` seconds at most."""
    deadline = time.monotonic() + patience
    while not met():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def spooled(folder: Path) -> list[Path]:
    """What waits in the spool below `folder`."""
    return sorted((folder / "spool").rglob("[0-9]*-[0-9]*.lp"))


def flush(env: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    """`make flush`, for the runs below `folder`."""
    command = [sys.executable, "-m", "telemetry.exporter.flush", "--results", str(folder / "runs")]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=100)
