"""docs/adding-a-point.md, followed word for word in a copy of the checkout."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

from common.paths import ROOT

PAGE: Final = (ROOT / "docs" / "adding-a-point.md").read_text()
BLOCK: Final = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED: Final = re.compile(r"# (\S+\.(?:yaml|py))\n")
COPIED: Final = (
    "common", "fakes", "run", "scenarios", "shapes",
    "targets", "telemetry", "tests/support", "users", "verdicts",
)  # fmt: skip
REPORT: Final = """
from pathlib import Path
from tests.support.synthetic_run import Spec, write
from verdicts.output.files import derive
derive(write(Path("made"), Spec(scenario="shut-out", duration=4.0)), quiet=True)
"""


def blocks(*kinds: str) -> list[str]:
    return [text for kind, text in BLOCK.findall(PAGE) if kind in kinds]


def files() -> dict[str, str]:
    """Every file that the page has the reader write: path → text."""
    return {found[1]: text for text in blocks("yaml", "python") if (found := NAMED.match(text))}


def run(clone: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words, cwd=clone, capture_output=True, text=True, check=False, timeout=120, env={**os.environ, **env}
    )


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what verdicts need, with all that the page says written into it."""
    folder = tmp_path_factory.mktemp("clone")
    for name in COPIED:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("*.pyc.*", "node_modules"))
    for name in ("VERSION", "pyproject.toml"):
        shutil.copy2(ROOT / name, folder / name)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    for name, text in files().items():
        assert not (folder / name).exists(), f"{name} is there already"
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_a_point_is_at_most_three_files_and_sixty_lines() -> None:
    texts = files()
    assert len(texts) == len(blocks("yaml", "python")) <= 3
    assert sum(len(text.splitlines()) - 1 for text in texts.values()) <= 60


@pytest.mark.parametrize("command", [line for text in blocks("sh") for line in text.splitlines()])
def test_what_the_page_says_passes(clone: Path, command: str) -> None:
    done = run(clone, *command.split())
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


def test_the_point_is_in_the_report_in_both_languages(clone: Path) -> None:
    for language, words in (("en", "How many users got no answer"), ("ja", "%(ユーザー")):
        shutil.rmtree(clone / "made", ignore_errors=True)
        done = run(clone, ".venv/bin/python", "-c", REPORT, LANG_REPORT=language, PYTHONPATH=".")
        assert done.returncode == 0, done.stderr
        html = (clone / "made" / "report.html").read_text()
        assert words in html
        assert 'id="P1.12"' in html


def test_the_pages_files_pass_the_checks(clone: Path) -> None:
    python = [name for name in files() if name.endswith(".py")]
    for words in (["check"], ["format", "--check"]):
        done = run(clone, ".venv/bin/ruff", *words, *python)
        assert done.returncode == 0, done.stdout
