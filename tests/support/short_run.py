"""A shortened run of a scenario against the whole bundled stack, as `bin/attack` makes it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import yaml

from common.paths import ROOT


class ShortRun:
    """What `verdicts.json` says of it."""

    def __init__(self, folder: Path, scenario: str, **changes: Any) -> None:
        """`changes` are the keys of the scenario that are other. The run's ledger must balance."""
        name = f"short-{scenario}"
        tree = {"extends": scenario, "title": "Shortened", "phases": [], **changes}
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(tree))
        command = [str(ROOT / "bin" / "attack"), str(folder / f"{name}.yaml"), "--out", str(folder / name)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240, cwd=ROOT)
        assert (folder / name / "verdicts.json").exists(), done.stdout + done.stderr
        self.code = done.returncode
        self.found: dict[str, Any] = json.loads((folder / name / "verdicts.json").read_text())
        assert self.found["invalid_because"] == [], done.stdout
        self.sessions: dict[str, int] = self.found["sessions"]
        self._points = {point["id"]: point for point in self.found["points"]}

    def figures(self, id: str) -> dict[str, float]:
        """A point's figures; there are none where it saw nothing."""
        figures: dict[str, float] = self._points[id]["figures"]
        return figures

    def status(self, id: str) -> str:
        """pass, fail, info or invalid."""
        return str(self._points[id]["status"])
