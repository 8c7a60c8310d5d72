"""Two past runs held against each other: `bin/compare` in a process of its own, never beside a load.

Nor does a load start beside it: what it computes would take the CPU that the load is judged by.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from common.errors import failure, one_line
from common.paths import ROOT
from common.secrets.environment import minimal
from run.folders import new_dir
from webui import runs

NAME: Final = "compare"
WITHIN: Final = 300.0  # seconds
MAKING: Final = "a comparison is being made, allowed: when it is done"


class CannotCompareError(ValueError):
    """There is no comparison; one clear line."""


class Comparing:
    """Makes one comparison at a time. `busy`: why nothing can start now, "" when it can."""

    def __init__(self, results: Path, busy: Callable[[], str]) -> None:
        self._results = results
        self._busy = busy
        self._making = False

    def busy(self) -> str:
        """Why nothing else can start, as one line; "" when it can."""
        return MAKING if self._making else ""

    def make(self, a: str, b: str) -> str:
        """Compare the runs of these names; gives the comparison's own. Raises CannotCompareError."""
        for field, name in (("a", a), ("b", b)):
            if not runs.is_run(self._results, name):
                raise CannotCompareError(f"{field}: {one_line(name)!r:.80}, allowed: a run of the list")
        if busy := self._busy() or self.busy():
            raise CannotCompareError(busy)
        self._making = True
        try:
            return self._make(a, b)
        finally:
            self._making = False

    def _make(self, a: str, b: str) -> str:
        sides = [f"--run-a={self._results / a}", f"--run-b={self._results / b}"]
        try:
            folder = new_dir(self._results, NAME)
            done = self._run(sides, folder)
        except subprocess.TimeoutExpired:
            raise CannotCompareError(f"the comparison took over {WITHIN:g} s") from None
        except OSError as error:  # a full disk, no memory
            raise CannotCompareError(failure(error)) from None
        if done.returncode:
            raise CannotCompareError(one_line(done.stderr.strip()) or f"exit code {done.returncode}")
        return folder.name

    def _run(self, sides: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "cli", "compare", *sides, f"--out={folder}"],
            check=False, cwd=ROOT, capture_output=True, text=True, timeout=WITHIN,
            env=minimal("LANG_REPORT"), stdin=subprocess.DEVNULL,
        )  # fmt: skip
