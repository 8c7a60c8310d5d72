"""For tests of bad input: whatever would start something fails the test."""

import os
from typing import Any

import pytest

from cli.launch import local_workers
from run.checks import dry_run


@pytest.fixture
def nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """No process, no worker, no request to a target."""

    def started(*arguments: Any) -> Any:
        raise AssertionError(f"something was started: {arguments}")

    monkeypatch.setattr(os, "execv", started)
    monkeypatch.setattr(local_workers, "run", started)
    monkeypatch.setattr(local_workers, "start", started)
    monkeypatch.setattr(dry_run, "_ask", started)
