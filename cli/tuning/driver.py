"""A search for limits driven by runs: until it is done, its budget is over, or it was stopped.

After every run `tune.json` is whole, after every stage its pages are, and a line says the best so far.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, Protocol

from cli.tuning.budget import RunningBudget
from cli.tuning.request import TuneRequest
from cli.tuning.search import LimitSearch, SearchStage
from cli.tuning.wanted import Wanted
from common import exit_codes
from common.paths import ROOT
from scenarios.tuning_table import ATTACK, BY_NAME, Setting
from telemetry.run_folder.machine import machine
from telemetry.run_folder.series import SeriesWriter
from verdicts.tuning import files, tuning_file
from verdicts.tuning.outcome import TuningRun
from verdicts.tuning.tuning_file import AsideRun, TuningFile

STOPPED: Final = "stopped"
OVER: Final = "the budget is over"
Say = Callable[[str], None]


class Runs(Protocol):
    """Makes runs; `aside` are those that prove nothing."""

    aside: list[AsideRun]

    @property
    def stopped(self) -> bool:
        """Somebody wants the end."""
        ...

    def __call__(self, wanted: Wanted) -> TuningRun | None:
        """One run; None where it proves nothing."""
        ...


class Tuning:
    """The search with what makes its runs. `ended`: "" where it went to its end."""

    def __init__(
        self, request: TuneRequest, search: LimitSearch, runs: Runs, say: Say, progress: SeriesWriter,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self.ended = ""
        self._request, self._search, self._runs, self._say = request, search, runs, say
        self._progress, self._clock = progress, clock
        self._stages: list[str] = []
        self._budget = RunningBudget(request.budget)
        self._aside = list(request.before.aside) if request.before else []
        for run in request.before.runs if request.before else ():
            search.memory.keep(ATTACK[run.attack], run)
            self._budget.used += run.took_s

    def run(self) -> None:
        """Every stage in turn."""
        for place, stage in enumerate(self._search.stages()):
            label = self._progress.begins(place)
            self._go_through(stage, label)
            if self.ended:
                self._progress.ended(place, exit_codes.OURS)
                break
            self._stages.append(stage.name)
            self.write()
            self._say(self._progress.ended(place, exit_codes.PASS))
        self.write()

    def _go_through(self, stage: SearchStage, label: str) -> None:
        wanted = next(stage.steps, None)
        while wanted is not None:
            if not self._budget.allows(wanted.attack, wanted.length):
                self.ended = OVER
                return
            made = self._make(wanted, label)
            if self._runs.stopped:
                self.ended = STOPPED
                return
            try:
                wanted = stage.steps.send(made)
            except StopIteration:
                wanted = None
            tuning_file.write(self._request.folder, self.document())

    def _make(self, wanted: Wanted, label: str) -> TuningRun | None:
        began = self._clock()
        made = self._runs(wanted)
        took = self._clock() - began
        self._budget.used += took
        if made is not None:
            came = "held" if made.held else f"broke {made.broken[0]}"
            at = wanted.set or changed(wanted.values)
            self._say(
                f"{label}: {wanted.attack.name} ({wanted.length}) at {at}: {came}, served {made.served:.1%}, "
                f"room {made.room:.0%}, {took:.0f} s; best so far: {changed(self._search.best)}"
            )
        return made

    def document(self) -> TuningFile:
        """`tune.json` as it is now."""
        request = self._request
        return TuningFile(
            written=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            seed=request.seed, stack=request.options.stack or "", nano=request.options.nano or "",
            version=(ROOT / "VERSION").read_text().strip(), budget_s=request.budget,
            took_s=round(self._budget.used, 1), machine=machine(), best=dict(self._search.best),
            ended=self.ended, stages=tuple(self._stages), runs=tuple(self._search.memory.runs),
            aside=(*self._aside, *self._runs.aside),
        )  # fmt: skip

    def write(self) -> None:
        """All files, whole."""
        files.write(self._request.folder, self.document())


def changed(values: Setting) -> str:
    """What a setting has that the plan has not: `timeout=6 pool-size=20`."""
    told = [f"{name}={value:g}" for name, value in values.items() if value != BY_NAME[name].plan]
    return " ".join(told) or "the plan's values"
