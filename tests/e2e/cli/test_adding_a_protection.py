"""docs/adding-a-protection.md, followed word for word in a copy of the checkout."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from common.paths import ROOT
from tests.e2e.cli.test_adding_a_scenario import BLOCK, COPIED, NAMED, PageRun
from tests.support import busy_machine
from tests.support.recorder.attack import as_a_user

pytestmark = pytest.mark.e2e

PAGE: Final = (ROOT / "docs" / "adding-a-protection.md").read_text()
TABLE: Final = "common/protections.py"
REASON: Final = "body_too_large"
CHECK: Final = """
from common.protections import NAMES, PRESETS, TABLE
from telemetry.recording.sample import REFUSALS
print([name for name in PRESETS if "body-limit" in PRESETS[name]], "body_too_large" in REFUSALS)
"""


def blocks(kind: str) -> list[str]:
    return [text for name, text in BLOCK.findall(PAGE) if name == kind]


def new_files() -> dict[str, str]:
    """Every file that the page has the reader write: path → text."""
    texts = [*blocks("yaml"), *blocks("python")]
    return {found[1]: text for text in texts if (found := NAMED.match(text))}


def commands() -> list[str]:
    return [line for text in blocks("sh") for line in text.splitlines()]


@pytest.fixture(scope="module")
def clone() -> Iterator[Path]:
    """A copy of the checkout with all that the page says; the database's user may enter it."""
    folder = Path(tempfile.mkdtemp(prefix="clone-"))
    folder.chmod(0o755)
    for name in COPIED:
        copy: Any = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
        copy(ROOT / name, folder / name)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    for name, text in new_files().items():
        assert not (folder / name).exists(), f"{name} is there already"
        (folder / name).write_text(text)
    (change,) = blocks("diff")
    done = subprocess.run(
        ["git", "apply", "-"], cwd=folder, input=change, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    yield folder
    shutil.rmtree(folder)


def run(clone: Path, words: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words, cwd=clone, capture_output=True, text=True, check=False, timeout=150,
        stdin=subprocess.DEVNULL, env={**as_a_user(), "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip


def test_a_protection_and_its_attack_are_three_files_of_sixty_lines() -> None:
    (change,) = blocks("diff")
    added = [line for line in change.splitlines() if line.startswith("+") and not line.startswith("+++")]
    assert {*new_files(), TABLE} == {TABLE, "fakes/protections/body_limit.py", "scenarios/long-texts.yaml"}
    assert len(added) + sum(len(text.splitlines()) for text in new_files().values()) <= 60


def test_the_row_alone_makes_it_known(clone: Path) -> None:
    done = run(clone, [str(ROOT / ".venv" / "bin" / "python"), "-c", CHECK])
    assert done.stdout.split("\n")[0] == "['all'] True", done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(("command", "refused"), list(zip(commands(), (True, False), strict=True)))
def test_on_it_refuses_under_its_own_reason_and_off_it_does_not(
    clone: Path, command: str, refused: bool
) -> None:
    """The commands are the page's own, and only made shorter."""

    def made(number: int) -> PageRun:
        out = clone / "out" / f"{refused}-{number}"
        return PageRun.of(clone, [*command.split(), "--duration-scale", "4", "--out", str(out)], out, {})

    one = busy_machine.unless_late(made, lambda run: run.told)
    assert (one.code, one.told["verdict"]) == (0, "pass"), one.console
    assert (REASON in json.dumps(one.told)) is refused
    scraped = [json.loads(line) for line in (one.out / "target.jsonl").read_text().splitlines()]
    last = [scrape["values"] for scrape in scraped if scrape["source"] == "edge" and scrape["up"]][-1]
    assert (last.get(f'mcpist_refused_total{{reason="{REASON}"}}', 0) > 10) is refused


def test_a_setting_that_its_row_does_not_have_is_one_line(clone: Path) -> None:
    scenario = clone / "scenarios" / "typo.yaml"
    scenario.write_text("extends: long-texts\nstack: {protections: {body-limit: {max_byte: 1}}}\n")
    done = run(clone, ["bin/attack", "typo"])
    scenario.unlink()
    assert done.returncode == 2
    assert "allowed: body-limit.max_bytes" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_the_pages_files_pass_the_checks(clone: Path) -> None:
    python = [TABLE, *(name for name in new_files() if name.endswith(".py"))]
    for words in (["check"], ["format", "--check"]):
        done = run(clone, [str(ROOT / ".venv" / "bin" / "ruff"), *words, *python])
        assert done.returncode == 0, done.stdout
