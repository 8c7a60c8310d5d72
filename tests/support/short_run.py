"""A shortened run of a scenario against the whole bundled stack, as `bin/attack` makes it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import yaml

from cli import attack
from common.paths import ROOT
from tests.support import busy_machine, kept_stack, warm_runs
from tests.support.recorder.attack import as_a_user

WITHIN: Final = 240.0  # seconds
PARTS = ""  # of the stack, as `--stack` has them; the fixture `parts` of tests/e2e/scenarios sets it


class ShortRun:
    """What its folder says of it. One that was late is made anew (`tests.support.busy_machine`)."""

    def __init__(
        self,
        folder: Path,
        scenario: str,
        *words: str,
        counts: bool = True,
        own_stack: bool = False,
        **changes: Any,
    ) -> None:
        """`changes` are the keys of the scenario that are other; `words` are more options of `bin/attack`.

        The run must count; without `counts` what is asserted holds of one that a busy machine spoilt, too.
        `own_stack`: it starts one, where others share a stack (`tests.support.kept_stack`): for a run that
        leaves a stack other than it was, or needs what only a start can set.
        """
        self._words, self._own_stack = (*words, *(["--stack", PARTS] if PARTS else [])), own_stack
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
        words = [str(self._file), "--out", str(self.folder), *self._words]
        environment = as_a_user()
        if not self._own_stack:
            environment |= kept_stack.environment(attack.read(words).load()[0])
        console = self.folder.with_suffix(".console")
        self.code = warm_runs.ended(warm_runs.start(words, ROOT, environment, console), WITHIN)
        self.console = console.read_text(errors="replace")
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
