"""The Worker's modules under Node: what is in the `*.test.mjs` beside this file."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support import needs

HERE = Path(__file__).parent


@pytest.mark.parametrize("file", sorted(HERE.glob("*.test.mjs")), ids=lambda file: file.stem)
def test_the_workers_modules(file: Path) -> None:
    """Each by itself, without `--test`, which starts a Node for each file again."""
    done = subprocess.run(
        [needs.require("node"), "--test-reporter=tap", file], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert "# fail 0" in done.stdout
