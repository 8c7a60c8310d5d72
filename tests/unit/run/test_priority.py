"""While load is sent the process, and the group that its session is, stand before others."""

import os
from pathlib import Path

import pytest

from run.workers import priority


def test_claimed_and_given_back_in_both_places(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    own: list[int] = []
    monkeypatch.setattr(os, "setpriority", lambda which, who, value: own.append(value))
    monkeypatch.setattr(priority, "GROUP", tmp_path / "autogroup")
    priority.claim_priority()
    assert (own, (tmp_path / "autogroup").read_text()) == ([-10], "-10")
    priority.give_priority_back()
    assert (own[1:], (tmp_path / "autogroup").read_text()) == ([priority.USUAL_PRIORITY], "0")


def test_where_neither_is_allowed_load_is_sent_all_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(*_: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "setpriority", refuse)
    monkeypatch.setattr(priority, "GROUP", tmp_path / "none" / "autogroup")
    priority.claim_priority()
    priority.give_priority_back()
