"""A check of a target for an assistant: its table, and one line where it came to nothing."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from cli.assistant import target_check
from common.errors import ConfigError


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """How the check's process ends: with this code, having said this."""

    def so(code: int, said: str = "", complained: str = "") -> None:
        done = subprocess.CompletedProcess(["check"], code, said, complained)
        monkeypatch.setattr(subprocess, "run", lambda command, **_: done)

    return so


@pytest.mark.parametrize(("code", "works"), [(0, True), (1, False)])
def test_a_table_says_whether_the_target_works(ended: Callable[..., None], code: int, works: bool) -> None:
    ended(code, "tools  ok\nhealth  NO\n")
    found = target_check.check("targets/mine.yaml", "burst")
    assert (found.works, found.exit_code, found.lines) == (works, code, ["tools  ok", "health  NO"])


@pytest.mark.parametrize(
    ("code", "complained", "told"),
    [
        (2, "targets/mine.yaml: base_url: is missing\n", "check: targets/mine.yaml: base_url: is missing"),
        (3, "", "check: exit code 3"),
        (-signal.SIGKILL, "", "check: exit code -9"),
    ],
)
def test_a_check_without_a_table_says_nothing_of_the_target(
    ended: Callable[..., None], code: int, complained: str, told: str
) -> None:
    ended(code, complained=complained)
    with pytest.raises(ConfigError) as refused:
        target_check.check("targets/mine.yaml", "burst")
    assert str(refused.value) == told


def test_a_target_that_never_answers_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def late(command: list[str], timeout: float, **_: Any) -> None:
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(subprocess, "run", late)
    with pytest.raises(ConfigError) as refused:
        target_check.check("targets/mine.yaml", "slow-api")
    assert str(refused.value) == "check: is not over after 120 s, allowed: a target that answers sooner"
