"""What growth answers, derived from its runs alone: for each limit and each size what has to change.

    answer = GrowthAnswer.of(growth)       # a GrowthFile, a part of `tune.json`
    answer.sizes                           # what each size came to with the held set, and with its own
    answer.cells(limit)                    # one a size, of one of these kinds

| kind | means |
|---|---|
| keep | the held value: every attack that feels the limit holds |
| change | another value: with the held set a bound breaks |
| instance | a bigger instance alone |
| none | a bound breaks with everything that was tried |
| silent | an attack that feels the limit is not answered by this machine at that size |
| unknown | the search did not come to its end there |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from scenarios import growth_table
from scenarios.growth_table import GROWING, INSTANCES, OF_INSTANCE, SizeLoad
from scenarios.tuning_table import BY_NAME, LIMITS, Setting, TunedLimit
from verdicts.tuning.answer import trial
from verdicts.tuning.outcome import TuningRun
from verdicts.tuning.trial import SettingTrial
from verdicts.tuning.tuning_file import GrownSize, GrowthFile, TuningFile

Kind = Literal["keep", "change", "instance", "none", "silent", "unknown"]


@dataclass(frozen=True)
class SizeAnswer:
    """One size. `held`, `own`: the runs of the held set, and of what is best there; None: not all were made.

    `unanswered`: attack → why this machine says nothing of it, "" where no run of it counts.
    `largest`: so many times a nano is the largest instance of which a run counts.
    """

    grown: GrownSize
    load: SizeLoad
    held: SettingTrial | None
    own: SettingTrial | None
    unanswered: Mapping[str, str]
    largest: int

    @property
    def mau(self) -> int:
        """Its size."""
        return self.grown.mau

    @property
    def known(self) -> bool:
        """It was gone through to its end, and an attack was answered."""
        return self.grown.over and self.own is not None

    @property
    def holds(self) -> bool:
        """What is best there holds every bound that was answered."""
        return self.own is not None and self.own.holds


class LimitCell(NamedTuple):
    """One limit at one size. `why`: the run that broke with the held set; `runs`: those that say so."""

    size: SizeAnswer
    kind: Kind
    value: float
    why: TuningRun | None
    runs: tuple[TuningRun, ...]


@dataclass(frozen=True)
class GrowthAnswer:
    """All of it."""

    growth: GrowthFile
    limits: tuple[TunedLimit, ...]
    sizes: tuple[SizeAnswer, ...]

    @classmethod
    def of(cls, growth: GrowthFile) -> GrowthAnswer:
        """The answer, however far the search came."""
        limits = tuple(limit for limit in LIMITS if limit.name in growth.held)
        return cls(growth, limits, tuple(_size(one, growth) for one in growth.sizes))

    @classmethod
    def found(cls, file: TuningFile) -> GrowthAnswer | None:
        """That of a file; None where growth was not asked for."""
        return None if file.growth is None else cls.of(file.growth)

    @property
    def whole(self) -> bool:
        """Each size holds, with every attack answered."""
        return all(one.known and one.holds and not one.unanswered for one in self.sizes)

    @property
    def failing(self) -> tuple[SizeAnswer, ...]:
        """Sizes at which nothing that was tried holds."""
        return tuple(one for one in self.sizes if one.known and not one.holds)

    def cells(self, limit: TunedLimit) -> tuple[LimitCell, ...]:
        """What becomes of a limit, by size."""
        return tuple(self._cell(limit, one) for one in self.sizes)

    def _cell(self, limit: TunedLimit, size: SizeAnswer) -> LimitCell:
        held, own = _of(limit, size.held), _of(limit, size.own)
        runs = (*held, *(run for run in own if run not in held))
        why = next((run for run in held if not run.held), None)
        value = size.grown.values[limit.name]
        return LimitCell(size, self._kind(limit, size), value, why, runs)

    def _kind(self, limit: TunedLimit, size: SizeAnswer) -> Kind:
        if not size.known:
            return "silent" if size.grown.over else "unknown"
        if not size.holds and any(not run.held for run in _of(limit, size.own)):
            return "none"
        if size.grown.instance > 1 and limit.block == OF_INSTANCE and not limit.switch:
            return "instance"
        if size.grown.values[limit.name] != self.growth.held[limit.name]:
            return "change"
        return "silent" if any(_feels(limit, name) for name in size.unanswered) else "keep"


def _feels(limit: TunedLimit, attack: str) -> bool:
    return limit.name in growth_table.BY_NAME[attack].feels


def _of(limit: TunedLimit, made: SettingTrial | None) -> list[TuningRun]:
    """The runs of a setting that feel the limit, or its block: a block is searched together."""
    block = {one.name for one in BY_NAME.values() if one.block == limit.block}
    return [
        run
        for run in (made.runs if made else ())
        if not block.isdisjoint(growth_table.BY_NAME[run.attack].feels)
    ]


def _size(grown: GrownSize, growth: GrowthFile) -> SizeAnswer:
    beyond = {one.name: growth_table.beyond(one, grown.mau) for one in GROWING}
    unanswered = {name: why for name, why in beyond.items() if why or name in grown.silent}
    attacks = [one for one in GROWING if one.name not in unanswered]

    def made(values: Setting, instance: int) -> SettingTrial | None:
        mine = [run for run in growth.runs if (run.mau, run.instance) == (grown.mau, instance)]
        return trial(values, attacks, mine)

    return SizeAnswer(
        grown,
        growth_table.load_of(grown.mau),
        made(growth.held, INSTANCES[0]),
        made(grown.values, grown.instance),
        unanswered,
        max((run.instance for run in growth.runs if run.mau == grown.mau), default=INSTANCES[0]),
    )
