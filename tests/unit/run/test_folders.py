"""Where runs go, wherever the command was started."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.paths import RESULTS
from run.folders import run_dir


def test_a_runs_folder_is_the_starters_own_and_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Probes and the verdict run in the checkout, and must find it."""
    monkeypatch.chdir(tmp_path)
    assert run_dir("mine", "burst") == tmp_path / "mine"
    assert run_dir(None, "burst").parent == RESULTS
