"""No test of a command announces itself as a run of this checkout: `make stop` would end the tests."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def announced_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.launch.locust.RESULTS", tmp_path / "announced")
    monkeypatch.setattr("cli.stack.RESULTS", tmp_path / "announced")
