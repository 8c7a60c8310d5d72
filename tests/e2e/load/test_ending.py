"""Every way to end a run is the same one: load stops, the report is whole, exit code 3, no traceback."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import psutil
import pytest

from common.paths import RESULTS, ROOT
from run import active_runs
from tests.support import processes
from tests.support.recorder.attack import Attack, Plan, as_a_user
from tests.support.recorder.handle import recorder

pytestmark = pytest.mark.e2e

PLAN: Final = Plan(accounts=50, rate=10, seconds=30)
ENDS_WITHIN: Final = 30.0
BROKEN: Final = ("Traceback", "Fatal Python error", "Exception ignored", "KeyboardInterrupt")


@contextlib.contextmanager
def attacked(folder: Path, plan: Plan = PLAN, warm: bool = False) -> Iterator[Attack]:
    """`bin/attack` as a person calls it, against a server of the tests; `warm`: see `recorder.attack`."""
    with recorder(0.05) as server:
        words = plan.words(server.base_url, folder)
        running = Attack(plan, server.base_url, folder, ENDS_WITHIN, command=words, warm=warm)
        try:
            yield running
        finally:
            running.end()


def check_stopped(running: Attack, by: str) -> None:
    """It says first that it was stopped, when and by whom; nothing was dropped or late for that."""
    run = running.wait()
    console = running.console
    assert not [word for word in BROKEN if word in console + run.log], console
    assert f" s of 30 s, by {by}\n" in console
    lines = console.splitlines()
    (first,) = (number for number, line in enumerate(lines) if line.startswith("STOPPED after "))
    assert lines[first + 1].split(":")[0] in ("PASS", "INVALID", "FAIL"), console
    assert running.exit_code == 3
    run.check_ledger()
    assert run.arrivals["planned"] > 0
    assert (run.arrivals["dropped"], run.arrivals["unknown"]) == (0, 0), console
    assert run.verdicts["stop_reason"] == f"stopped by {by}"
    assert not running.left_over()


SIGNALS = {signal.SIGINT: "Ctrl-C", signal.SIGHUP: "SIGHUP"}


@pytest.mark.slow
@pytest.mark.parametrize(("number", "workers"), [(signal.SIGINT, 0), (signal.SIGHUP, 2)])
def test_a_signal_is_told_first(tmp_path: Path, number: signal.Signals, workers: int) -> None:
    """All are heard in one way (SIGTERM: test_signals.py), by workers too (test_cli_processes.py)."""
    if signal.getsignal(number) is signal.SIG_IGN:
        pytest.skip(f"{number.name} is ignored here, as under nohup, and so by all that is started")
    with attacked(tmp_path, replace(PLAN, workers=workers), warm=not workers) as running:
        running.wait_until(2.0)
        running.signal(number)
        check_stopped(running, SIGNALS[number])


@pytest.mark.slow
@pytest.mark.parametrize("pause", [0.0, 0.6, 1.2])
def test_ctrl_c_again_changes_nothing(tmp_path: Path, pause: float) -> None:
    """At a terminal every process of the run hears it."""
    with attacked(tmp_path, warm=True) as running:
        running.wait_until(1.0)
        running.ctrl_c()
        time.sleep(pause)
        running.ctrl_c()
        check_stopped(running, "Ctrl-C")


@pytest.mark.parametrize("after", [0.0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.2, 1.6, 2.4, 3.5])
def test_ctrl_c_during_the_start_is_heard(tmp_path: Path, after: float) -> None:
    with attacked(tmp_path) as running:
        time.sleep(after)
        running.ctrl_c()
        time.sleep(0.05)
        running.ctrl_c()
        running.wait()
        console = running.console
        assert not [word for word in BROKEN if word in console], console
        # the shell script itself, in its first milliseconds, ends as every shell does
        assert running.exit_code in ((3, -signal.SIGINT) if after <= 0.1 else (3,)), console
        assert "STOPPED " in console or running.exit_code == -signal.SIGINT
        assert not running.left_over()


@pytest.mark.slow
def test_a_pipe_that_closes_ends_the_run(tmp_path: Path) -> None:
    with recorder(0.05) as server:
        scenario, target = PLAN.scenario(tmp_path), PLAN.target(tmp_path, server.base_url)
        command = f"{ROOT}/bin/attack {scenario} --target {target} --out {tmp_path}/run 2>&1 | head -2"
        done = subprocess.run(
            ["bash", "-c", f"set -o pipefail; {command}"],
            check=False, capture_output=True, text=True, timeout=60, env=as_a_user(), start_new_session=True,
        )  # fmt: skip
    assert done.returncode == 3
    assert not [word for word in BROKEN if word in done.stderr + done.stdout]
    end = json.loads((tmp_path / "run" / "end.json").read_text())
    assert end["stop_reason"] == "stopped by its closed output"
    assert end["stopped_at"] < PLAN.seconds / 2
    assert (tmp_path / "run" / "report.html").exists()


def test_make_stop_finds_a_run_that_starts(tmp_path: Path) -> None:
    with attacked(tmp_path) as running:
        limit = time.monotonic() + ENDS_WITHIN
        while not any(one.pid == running.pid for one in active_runs.under_way(RESULTS)):
            assert time.monotonic() < limit, running.console
            time.sleep(0.02)
        done = subprocess.run(
            [ROOT / "bin" / "stop", running.run.folder],
            check=False, capture_output=True, text=True, timeout=60, cwd="/",
        )  # fmt: skip
        assert done.stdout.splitlines()[-1] == f"ended: {running.run.folder}", done.stdout
        running.wait()
        assert running.exit_code == 3
        assert ", by make stop\n" in running.console


def test_make_stop_ends_a_stack_that_was_kept_up(tmp_path: Path) -> None:
    with (tmp_path / "stack.log").open("wb") as log:
        stack = subprocess.Popen([ROOT / "bin" / "resilience", "stack"], stdout=log, stderr=log)
    try:
        limit = time.monotonic() + 60
        while b"stack is up" not in (tmp_path / "stack.log").read_bytes():
            assert time.monotonic() < limit, (tmp_path / "stack.log").read_text()
            time.sleep(0.1)
        children = psutil.Process(stack.pid).children(recursive=True)
        (mine,) = (one for one in active_runs.under_way(RESULTS) if one.pid == stack.pid)
        assert mine.signal == signal.SIGTERM
        active_runs.tell(mine)
        assert stack.wait(30) == 0
        assert not processes.left(children, 10)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(stack.pid, signal.SIGKILL)
        stack.wait()
