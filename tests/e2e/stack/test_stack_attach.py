"""A stack that somebody else keeps up is used, steered, and left running: what docker compose does."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from common.paths import ROOT
from fakes.settings import StackSettings
from fakes.stack.handle import StackError
from fakes.stack.start import start_stack

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
TIMEOUT = 60.0


@contextmanager
def kept(folder: Path) -> Iterator[Path]:
    """A stack of its own process; gives its state file."""
    state = folder / "state.json"
    command = [sys.executable, "-m", "fakes.stack", "--state-file", str(state), "--protections", "none"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT)
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"ready")
        yield state
    finally:
        process.terminate()
        process.communicate(timeout=TIMEOUT)


def test_a_run_uses_the_stack_and_leaves_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with kept(tmp_path) as state:
        monkeypatch.setenv("STACK_STATE", str(state))
        settings = StackSettings.model_validate({"edge": {"burst_per_s": 7}, "ports": {"edge": 1}})
        stack = start_stack(settings, ["burst-limit"], tmp_path / "run.log")
        stack.add_fault({"fault": "upstream-stall", "target": "notion"})
        said = stack.state()
        assert said["settings"]["edge"]["burst_per_s"] == 7
        assert said["settings"]["ports"] == {}
        assert said["protections"] == ["burst-limit"]
        assert said["faults"]

        stack.stop()
        assert stack.alive()
        assert stack.state()["faults"] == []

        again = start_stack(StackSettings(), [], tmp_path / "run.log")
        assert again.state()["settings"]["edge"]["burst_per_s"] == 5
        assert again.state()["protections"] == []


def test_a_stack_that_is_not_there_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STACK_STATE", str(tmp_path / "none.json"))
    with pytest.raises(StackError, match=r"^STACK_STATE: .*none\.json: .*allowed: ") as told:
        start_stack(StackSettings(), [], tmp_path / "run.log", timeout_s=0.0)
    assert "\n" not in str(told.value)


def test_a_whole_run_against_it(tmp_path: Path) -> None:
    with kept(tmp_path) as state:
        out = tmp_path / "run"
        command = [sys.executable, "-m", "cli", "attack", "burst", "--duration", "2s", "--rate", "1"]
        command += ["--target", "targets/compose.yaml", "--out", str(out)]
        env = {**_environment(), "STACK_STATE": str(state)}
        done = subprocess.run(
            command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=120
        )
        assert (out / "verdicts.json").exists(), done.stderr
        counts: dict[str, Any] = json.loads((out / "verdicts.json").read_text())["arrivals"]
        assert counts["planned"] == counts["sent"] == counts["ok"] == 200
        assert state.exists()


def _environment() -> dict[str, str]:
    import os

    return {name: value for name, value in os.environ.items() if not name.startswith("INFLUXDB_V2")}
