"""A search for limits driven by runs: until it is done, its budget is over, or it was stopped.

After every run `tune.json` is whole, after every stage its pages are, and a line says the best so far.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Final, Protocol

from msgspec import structs

from cli.tuning.budget import RunningBudget
from cli.tuning.growth import GrowthSearch
from cli.tuning.memory import Memory
from cli.tuning.request import TuneRequest
from cli.tuning.search import SearchStage
from cli.tuning.wanted import Wanted
from common import exit_codes
from common.paths import ROOT
from scenarios import growth_table
from scenarios.tuning_table import ATTACK, BY_NAME, Setting, TuningAttack, named
from telemetry.run_folder.machine import machine
from telemetry.run_folder.series import SeriesWriter
from verdicts.tuning import files, tuning_file
from verdicts.tuning.outcome import TuningRun
from verdicts.tuning.tuning_file import AsideRun, GrowthFile, SilentRun, TuningFile

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


class StagedSearch(Protocol):
    """What is driven: its stages, its runs, the best values so far."""

    memory: Memory
    best: dict[str, float]

    def stages(self) -> Iterator[SearchStage]:
        """Each in turn."""
        ...


class Driven(ABC):
    """A search with what makes its runs. `ended`: "" where it went to its end."""

    attacks: Mapping[str, TuningAttack] = ATTACK

    def __init__(
        self, request: TuneRequest, search: StagedSearch, runs: Runs, say: Say, progress: SeriesWriter,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self.ended = ""
        self._request, self._search, self._runs, self._say = request, search, runs, say
        self._progress, self._clock = progress, clock
        self._stages: list[str] = []
        self._budget = RunningBudget(request.budget)
        before = self.before(request.before) if request.before else None
        self._aside = list(before.aside) if before else []
        for run in before.runs if before else ():
            search.memory.keep(self.attacks[run.attack], run)
        for one in before.silent if before else ():
            search.memory.silence(Wanted(**{**structs.asdict(one), "attack": self.attacks[one.attack]}))
        self._budget.used = before.took_s if before else 0.0

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
            at += f" on {wanted.instance} times a nano" if wanted.instance > 1 else ""
            self._say(
                f"{label}: {wanted.attack.name} ({wanted.length}) at {at}: {came}, served {made.served:.1%}, "
                f"room {made.room:.0%}, {took:.0f} s; best so far: {changed(self.best)}"
            )
        return made

    @property
    def _silent(self) -> tuple[SilentRun, ...]:
        silent = self._search.memory.silent
        return tuple(SilentRun(**{**one._asdict(), "attack": one.attack.name}) for one in silent)

    @property
    def best(self) -> Setting:
        """The best so far."""
        return self._search.best

    @abstractmethod
    def before(self, found: TuningFile) -> TuningFile | GrowthFile | None:
        """What an earlier search of this kind left in the file."""

    @abstractmethod
    def document(self) -> TuningFile:
        """`tune.json` as it is now."""

    def write(self) -> None:
        """All files, whole."""
        files.write(self._request.folder, self.document())


class Tuning(Driven):
    """The search for the recommended set.

    One that is carried on answers what it answered before until as many of its stages are over.
    """

    @property
    def _kept(self) -> TuningFile | None:
        before = self._request.before
        return before if before is not None and len(self._stages) < len(before.stages) else None

    @property
    def best(self) -> Setting:
        """The best so far."""
        return self._kept.best if self._kept else self._search.best

    def before(self, found: TuningFile) -> TuningFile:
        """All of it."""
        return found

    def document(self) -> TuningFile:
        """The search's own part is new; growth stays."""
        request, before = self._request, self._request.before
        stages = self._kept.stages if self._kept else tuple(self._stages)
        return structs.replace(
            _begun(request),
            budget_s=request.budget, spend=dict(request.shares), took_s=round(self._budget.used, 1),
            best=dict(self.best), ended=self.ended, stages=stages, runs=tuple(self._search.memory.runs),
            aside=(*self._aside, *self._runs.aside), silent=self._silent, left_out=dict(request.left_out),
            growth=before.growth if before else None,
        )  # fmt: skip


class Growing(Driven):
    """The search by size of load."""

    attacks = growth_table.BY_NAME
    _search: GrowthSearch

    def before(self, found: TuningFile) -> GrowthFile | None:
        """The part on growth."""
        return found.growth

    def document(self) -> TuningFile:
        """The part on growth is new; the search's stays."""
        new = _begun(self._request)
        return structs.replace(self._request.before or new, written=new.written, growth=self.part())

    def part(self) -> GrowthFile:
        """The part on growth as it is now."""
        request, search = self._request, self._search
        return GrowthFile(
            held=search.held, sizes=tuple(search.found.values()), budget_s=request.budget,
            took_s=round(self._budget.used, 1), ended=self.ended, runs=tuple(search.memory.runs),
            aside=(*self._aside, *self._runs.aside), silent=self._silent,
        )  # fmt: skip


def _begun(request: TuneRequest) -> TuningFile:
    """A search that has made no run yet."""
    return TuningFile(
        written=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        seed=request.seed, stack=request.options.stack or "", nano=request.options.nano or "",
        version=(ROOT / "VERSION").read_text().strip(), budget_s=0.0, machine=machine(),
        best={limit.name: named("plan")[0][limit.name] for limit in request.limits},
    )  # fmt: skip


def changed(values: Setting) -> str:
    """What a setting has that the plan has not: `timeout=6 pool-size=20`."""
    told = [f"{name}={value:g}" for name, value in values.items() if value != BY_NAME[name].plan]
    return " ".join(told) or "the plan's values"
