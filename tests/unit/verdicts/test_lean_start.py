"""Who judges a run reads what that needs: each process of a run starts in a second of CPU or less."""

from __future__ import annotations

import subprocess
import sys

import pytest

from common.paths import ROOT

NEEDLESS = ("pydantic", "plotly", "psutil", "numpy.random", "verdicts.plan.answers", "scenarios.schema")


@pytest.mark.parametrize("name", NEEDLESS)
def test_what_a_judge_does_without(name: str, read: set[str]) -> None:
    assert name not in read


@pytest.fixture(scope="module")
def read() -> set[str]:
    """The modules that the judge of a run has read at its start."""
    told = "import sys, verdicts.__main__; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, cwd=ROOT, check=True)
    return set(done.stdout.split())
