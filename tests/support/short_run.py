"""A shortened run of a scenario against the whole bundled stack, as `bin/attack` makes it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import yaml

from common.paths import ROOT
from tests.support import busy_machine
from tests.support.recorder.attack import as_a_user


class ShortRun:
    """What its folder says of it. One that was late is made again (`tests.support.busy_machine`)."""

    def __init__(self, folder: Path, scenario: str, *words: str, counts: bool = True, **changes: Any) -> None:
        """`changes` are the keys of the scenario that are other; `words` are more options of `bin/attack`.

        The run must count; without `counts` what is asserted holds of one that a busy machine spoilt, too.
        """
        self._words = words
        self._file = folder / f"short-{scenario}.yaml"
        tree = {"extends": scenario, "title": "Shortened", "phases": [], **changes}
        self._file.write_text(yaml.safe_dump(tree))
        self.found: dict[str, Any] = {}  # verdicts.json
        if counts:
            busy_machine.unless_late(self._make, lambda _: self.found)
            assert self.found["invalid_because"] == [], self.console
        else:
            self._make(0)
        self.sessions: dict[str, int] = self.found["sessions"]
        self._points = {point["id"]: point for point in self.found["points"]}

    def _make(self, number: int) -> None:
        self.folder = self._file.with_name(f"{self._file.stem}-{number}")
        command = [str(ROOT / "bin" / "attack"), str(self._file), "--out", str(self.folder), *self._words]
        done = subprocess.run(
            command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=240,
            stdin=subprocess.DEVNULL, env=as_a_user(),
        )  # fmt: skip
        self.code, self.console = done.returncode, done.stdout + done.stderr
        assert (self.folder / "verdicts.json").exists(), self.console
        self.found = json.loads((self.folder / "verdicts.json").read_text())

    def point(self, id: str) -> dict[str, Any]:
        """A point's answer. KeyError where there is none."""
        answer: dict[str, Any] = self._points[id]
        return answer

    def figures(self, id: str) -> dict[str, float]:
        """A point's figures; there are none where it saw nothing."""
        figures: dict[str, float] = self.point(id)["figures"]
        return figures

    def status(self, id: str) -> str:
        """pass, fail, info or invalid."""
        return str(self.point(id)["status"])
