"""docs/adding-a-scenario.md, followed word for word in a copy of the checkout."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from common.paths import ROOT
from scenarios.load import load
from tests.support import busy_machine, kept_stack
from tests.support.recorder.attack import as_a_user
from verdicts.judge.judge import EXIT_CODES

pytestmark = pytest.mark.e2e

PAGE: Final = (ROOT / "docs" / "adding-a-scenario.md").read_text()
BLOCK: Final = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED: Final = re.compile(r"# (\S+\.(?:yaml|py))\n")
COPIED: Final = (
    "VERSION", "locustfile.py", "bin", "fakes", "scenarios", "shapes", "targets", "telemetry",
    "users", "verdicts", "webui", "run", "cli", "common", "Makefile", "requirements.lock", "pyproject.toml",
)  # fmt: skip


class PageRun(NamedTuple):
    """A command of a page in a copy of the checkout: its folder, exit code, what it said, its verdict."""

    out: Path
    code: int
    console: str
    told: dict[str, Any]

    @classmethod
    def of(cls, clone: Path, words: list[str], out: Path, more: Mapping[str, str]) -> PageRun:
        """To its end, with `more` beside a user's environment."""
        done = subprocess.run(
            words, cwd=clone, capture_output=True, text=True, check=False, timeout=150,
            stdin=subprocess.DEVNULL, env={**as_a_user(), "PYTHONDONTWRITEBYTECODE": "1", **more},
        )  # fmt: skip
        assert (out / "verdicts.json").exists(), done.stderr + done.stdout
        told = json.loads((out / "verdicts.json").read_text())
        return cls(out, done.returncode, done.stderr + done.stdout, told)


def blocks(kind: str) -> list[str]:
    return [text for name, text in BLOCK.findall(PAGE) if name == kind]


def files() -> dict[str, str]:
    """Every file that the page has the reader write: path → text."""
    texts = [*blocks("yaml"), *blocks("python")]
    return {found[1]: text for text in texts if (found := NAMED.match(text))}


def test_a_scenario_and_its_variant_are_short() -> None:
    """A scenario, and a persona with its scenario, each in at most 3 files and 60 lines."""
    lines = {name: text.count("\n") - 1 for name, text in files().items()}
    assert lines["scenarios/lunch.yaml"] + lines["scenarios/lunch-starter.yaml"] <= 60
    assert lines["users/personas/quitter.py"] + lines["scenarios/lost-patience.yaml"] <= 60


def commands() -> list[str]:
    return [line for text in blocks("sh") for line in text.splitlines()]


@pytest.fixture(scope="module")
def clone() -> Iterator[Path]:
    """A copy of the checkout, with all that the page says written into it.

    Not under pytest's own folder: the database's user may not enter that.
    """
    folder = Path(tempfile.mkdtemp(prefix="clone-"))
    folder.chmod(0o755)
    for name in COPIED:
        copy: Any = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
        copy(ROOT / name, folder / name)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    for name, text in files().items():
        assert not (folder / name).exists(), f"{name} is there already"
        (folder / name).write_text(text)
    yield folder
    shutil.rmtree(folder)


def test_every_block_names_its_file_and_every_scenario_is_run() -> None:
    assert len(files()) == len(blocks("yaml")) + len(blocks("python"))
    scenarios = {Path(name).stem for name in files() if name.startswith("scenarios/")}
    assert {command.removeprefix("bin/attack ") for command in commands()} == scenarios


def test_the_twelfth_scenario_is_short_and_needs_no_python() -> None:
    lines = files()["scenarios/lunch.yaml"].splitlines()
    assert len(lines) < 40
    assert "persona" not in files()["scenarios/lunch.yaml"]


def test_the_new_persona_is_one_file() -> None:
    assert [name for name in files() if name.endswith(".py")] == ["users/personas/quitter.py"]


@pytest.mark.slow
@pytest.mark.parametrize("command", commands())
def test_what_the_page_says_gives_a_verdict(clone: Path, command: str) -> None:
    """The command is the page's own, and only made shorter; it finds a stack that stands already."""

    def made(number: int) -> PageRun:
        out = clone / "out" / f"{command.rpartition(' ')[2]}-{number}"
        words = [*command.split(), "--duration-scale", "4", "--out", str(out)]
        return PageRun.of(clone, words, out, kept_stack.environment(load("burst")))

    run = busy_machine.unless_late(made, lambda run: run.told)
    verdict = run.told["verdict"]
    assert verdict in ("pass", "fail", "inconclusive")  # the last where others had filled the machine
    assert run.code == EXIT_CODES[verdict], run.console
    assert run.told["arrivals"]["planned"] == run.told["arrivals"]["sent"] > 50
    assert {"P1.8"} <= {point["id"] for point in run.told["points"]}
    assert os.path.realpath(clone / "results" / "latest") == str(run.out.resolve())


def test_the_pages_files_pass_the_checks(clone: Path) -> None:
    python = [name for name in files() if name.endswith(".py")]
    ruff = str(ROOT / ".venv" / "bin" / "ruff")
    for words in (["check"], ["format", "--check"]):
        done = subprocess.run([ruff, *words, *python], cwd=clone, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
