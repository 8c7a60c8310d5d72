"""The last phase: its process, and what it leaves to others."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from run import judge as judging
from run.workers import priority


@pytest.mark.parametrize(("code", "expected"), [(0, 0), (1, 1), (3, 3), (2, 3), (-9, 3)])
def test_the_priority_of_the_load_is_given_back_before_the_verdict_is_derived(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: int, expected: int
) -> None:
    seen: list[Any] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        seen.append("verdicts")
        return subprocess.CompletedProcess(command, code, "PASS\n", "a warning\n")

    monkeypatch.setattr(os, "setpriority", lambda which, who, value: seen.append(value))
    monkeypatch.setattr(priority, "GROUP", tmp_path / "autogroup")
    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(judging, "link_latest", lambda folder: None)
    judged = judging.judge(tmp_path)
    assert seen == [priority.USUAL_PRIORITY, "verdicts"]
    assert (tmp_path / "autogroup").read_text() == "0"
    assert judged == (expected, "PASS\na warning\n")
