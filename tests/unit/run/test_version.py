"""Which commit a run is of: the checkout's own, or the one that a target's CI names."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from run.workers import version


@pytest.fixture(autouse=True)
def afresh() -> None:
    version.commit.cache_clear()


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *words],
        cwd=folder, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return done.stdout.strip()


def test_the_commit_of_a_checkout_says_whether_its_files_differ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(version, "ROOT", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert version.commit() == ""  # no checkout
    (tmp_path / "file").write_text("one")
    for words in (("init", "-q"), ("add", "file"), ("commit", "-qm", "one"), ("tag", "v1")):
        git(tmp_path, *words)
    version.commit.cache_clear()
    clean = version.commit()
    assert re.fullmatch("[0-9a-f]{12}", clean)
    assert git(tmp_path, "rev-parse", "HEAD").startswith(clean)
    (tmp_path / "file").write_text("two")
    version.commit.cache_clear()
    assert version.commit() == f"{clean}-dirty"


def test_without_git_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(version, "COMMIT", ("no-such-program",))
    assert version.commit() == ""


@pytest.mark.parametrize(
    ("environ", "commit"),
    [
        ({}, ""),
        ({"CI_COMMIT_SHA": "c"}, "c"),
        ({"GITHUB_SHA": "b", "CI_COMMIT_SHA": "c"}, "b"),
        ({"TARGET_COMMIT": "a\nx", "GITHUB_SHA": "b"}, "a x"),
        ({"TARGET_COMMIT": "", "GITHUB_SHA": "f" * 99}, "f" * 64),
    ],
)
def test_a_targets_commit_is_named_by_the_environment(environ: dict[str, str], commit: str) -> None:
    assert version.target_commit(environ) == commit
