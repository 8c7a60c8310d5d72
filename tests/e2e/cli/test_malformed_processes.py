"""A sample of the corpus of bad input as processes: exit code 2, one line, no folder, no process."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from common.paths import RESULTS, ROOT
from tests.unit.common.test_malformed import cases

pytestmark = pytest.mark.e2e
LOCUST = (sys.executable, "-m", "locust", "-f", "locustfile.py")
OURS = ("INFO/locust.main", "make: ***", "make[")


@pytest.mark.parametrize(("kind", "row"), cases("processes"), ids=lambda one: str(one)[:60])
def test_processes(tmp_path: Path, kind: str, row: list[str]) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("name: t\nbase_url: http://127.0.0.1:9\nnmae: u\n")
    words = [str(bad) if word == "BAD" else word for word in shlex.split(row[0], posix=kind != "make")]
    before = runs()
    done = subprocess.run(
        [*(LOCUST if kind == "locust" else ()), *words], cwd=ROOT, capture_output=True, text=True,
        stdin=subprocess.DEVNULL, timeout=120, check=False, env={**os.environ, "WEB_PASSWORD": ""},
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    lines = [line for line in done.stderr.splitlines() if line and not any(word in line for word in OURS)]
    assert row[1] in lines[-1]
    assert len(lines) == 1, lines
    assert "Traceback" not in done.stderr
    assert kind != "bin" or not done.stdout
    assert runs() == before


def runs() -> set[Path]:
    """The runs of this checkout, but for those that the assistant's test makes meanwhile."""
    return {folder for folder in RESULTS.glob("[0-9]*") if "single-burst" not in folder.name}
