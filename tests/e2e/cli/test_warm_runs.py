"""Forked runs of tests are `bin/attack`: its words, its exit codes, a session of their own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from common.paths import ROOT
from tests.support import warm_runs
from tests.support.recorder.attack import as_a_user

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize(
    "words", [["burst", "--rate", "fast"], ["burts"], ["burst", "--nothing"], ["--list"]]
)
def test_it_says_what_the_command_says(tmp_path: Path, words: list[str]) -> None:
    command = [str(ROOT / "bin" / "attack"), *words]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    forked = warm_runs.start(words, tmp_path, as_a_user(), tmp_path / "console")
    assert warm_runs.ended(forked, 120) == done.returncode
    assert (tmp_path / "console").read_text() == done.stdout + done.stderr


def test_it_leads_a_session_and_a_kill_is_told(tmp_path: Path) -> None:
    forked = warm_runs.start(
        ["burst", "--rate", "fast"], tmp_path, {"PATH": "/usr/bin"}, tmp_path / "console"
    )
    assert forked.poll() is None
    forked.kill()
    assert forked.wait(60) == -9
    assert forked.poll() == -9
    with pytest.raises(ProcessLookupError):
        os.getpgid(forked.pid)


def test_one_that_takes_too_long_is_killed(tmp_path: Path) -> None:
    forked = warm_runs.start(["burst", "--rate", "fast"], tmp_path, as_a_user(), tmp_path / "console")
    assert warm_runs.ended(forked, 0.01) == -9
