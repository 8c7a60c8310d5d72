"""The search by size of load: which run is wanted next. No clock, no load, no file.

    search = GrowthSearch(limits, sizes, held, seed, optuna_proposals)
    for stage in search.stages():          # one a size, gone through as those of `LimitSearch`
    search.found[mau]                      # GrownSize: the best so far there

At each size the held set is run under every attack that this machine can send; one of which no run counts is
silent there. A larger instance on which no run of one counts leaves the size open. Where a bound breaks,
until every bound holds:

    guesses     what the size before came to; the limits on calls by memory's room and the attackers
    blocks      `EVALUATIONS` settings of a block that a broken attack feels: first those blocks that the
                protection names which gave way first, then those that fewer attacks feel
    instance    twice and four times a nano, all of that again for the limits on calls: where those, memory or
                CPU are what breaks

Then each limit goes back to the held value where that holds and loses no more.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from msgspec.structs import replace

from cli.tuning.blocks import block_of
from cli.tuning.memory import Memory
from cli.tuning.proposals import Propose
from cli.tuning.search import SearchStage
from cli.tuning.trying import Steps, Trying, rank, try_all
from cli.tuning.wanted import Wanted
from scenarios import growth_table
from scenarios.growth_table import GROWING, INSTANCES
from scenarios.growth_table import OF_INSTANCE as CALLS
from scenarios.tuning_table import BY_NAME, Setting, TunedLimit, TuningAttack
from verdicts.tuning.outcome import TuningRun
from verdicts.tuning.trial import FLOOR, SettingTrial
from verdicts.tuning.tuning_file import GrownSize

EVALUATIONS: Final = 10  # settings of a block at one size, on one instance
MOST_CALLS: Final = "global-concurrency"  # the limit that an instance's memory bounds
Finding = Generator[Wanted, TuningRun | None, SettingTrial]
Ending = Generator[Wanted, TuningRun | None, bool]


@dataclass(frozen=True)
class Place:
    """A size, an instance, and the attacks that are answered there."""

    mau: int
    instance: int
    attacks: tuple[TuningAttack, ...]


class GrowthSearch:
    """See the module. `sizes` rise; those that are `known`, and over, are not gone through again."""

    def __init__(
        self,
        limits: Sequence[TunedLimit],
        sizes: Sequence[int],
        held: Setting,
        seed: int,
        propose: Propose,
        known: Sequence[GrownSize] = (),
    ) -> None:
        self.memory = Memory()
        self.held = dict(held)
        self.best: dict[str, float] = dict(held)
        over = {one.mau: one for one in known if one.over}
        self.found = {mau: over.get(mau, GrownSize(mau=mau, values=self.held)) for mau in sizes}
        self._limits, self._seed, self._propose = limits, seed, propose

    @property
    def names(self) -> list[str]:
        """The stages in order."""
        return [f"{mau:,} MAU" for mau in self.found]

    def stages(self) -> Iterator[SearchStage]:
        """Each in turn."""
        for mau, name in zip(self.found, self.names, strict=True):
            yield SearchStage(name, self._size(mau))

    def _size(self, mau: int) -> Steps:
        self.best = dict(self.held)
        if self.found[mau].over:
            return
        answered: list[TuningAttack] = []
        for attack in GROWING:
            if growth_table.beyond(attack, mau):
                continue
            if (yield from self._try(Place(mau, 1, (attack,)), self.held)):
                answered.append(attack)
            else:
                self._put(mau, silent=(*self.found[mau].silent, attack.name))
        over = not answered or (yield from self._instances(mau, tuple(answered)))
        self._put(mau, over=over)

    def _instances(self, mau: int, attacks: tuple[TuningAttack, ...]) -> Ending:
        """False where it is open whether a larger instance holds."""
        start: Setting = self.held
        for instance in INSTANCES:
            best = yield from self._within(Place(mau, instance, attacks), start)
            if best is None:
                return False
            if best.holds or instance == 1:
                self._put(mau, values=dict(best.values), instance=instance)
            if best.holds or not any(_of_an_instance(run) for run in best.broken):
                break
            start = {**best.values, **self._calls(self.held)}
        return True

    def _within(self, place: Place, start: Setting) -> Trying:
        best = yield from self._try(place, start, again=True)
        before = [one.values for mau, one in self.found.items() if mau < place.mau]
        if best is not None and not best.holds and before:
            other = before[-1] if place.instance == 1 else {**start, **self._calls(before[-1])}
            best = yield from self._better(place, best, other)
        if best is not None and any(block_of(run) in ("", CALLS) and _feels(run) for run in best.broken):
            best = yield from self._better(place, best, self._sized(place, best.values))
        searched: set[str] = set()
        while best is not None and (block := self._next(best, searched)):
            searched.add(block)
            best = yield from self._block(place, block, best)
        if best is None or not best.holds:
            return best
        return (yield from self._back(place, best))

    def _better(self, place: Place, best: SettingTrial, values: Setting) -> Finding:
        other = yield from self._try(place, values)
        if other is not None and other.rank < best.rank:
            self.best = dict(other.values)
            return other
        return best

    def _sized(self, place: Place, values: Setting) -> dict[str, float]:
        found = growth_table.sized(values, place.mau, place.instance)
        limits = {limit.name: limit for limit in self._of(CALLS, place.instance)}
        return {name: limits[name].fitting(one) if name in limits else one for name, one in found.items()}

    def _next(self, best: SettingTrial, searched: set[str]) -> str | None:
        """The block to search next for what is broken; None where there is none, or nothing is broken."""
        felt = {block for run in best.broken for block in _blocks(_attack(run))}
        named = [block_of(run) for run in best.broken]
        shared = {block: sum(block in _blocks(one) for one in GROWING) for block in felt}
        order = [*named, *sorted(felt, key=lambda block: (shared[block], block))]
        return next((block for block in order if block in felt - searched), None)

    def _block(self, place: Place, block: str, best: SettingTrial) -> Finding:
        broken = [run for run in best.broken if block in _blocks(_attack(run))]
        names = {run.attack for run in broken if block_of(run) in ("", block)} or {
            run.attack for run in broken
        }
        held = {attack.name for attack in place.attacks} - {run.attack for run in best.broken}
        aim = [attack for attack in place.attacks if attack.name in names]
        guard = [attack for attack in place.attacks if attack.name in held and block in _blocks(attack)]
        judged = Place(place.mau, place.instance, (*aim, *guard))
        limits = self._of(block, place.instance)
        proposals = self._propose(limits, self._seed)
        tried = [(yield from self._try(judged, best.values, until_broken=True))]
        for _ in range(EVALUATIONS):
            last = tried[-1]
            if last is not None:
                proposals.tell(last.values, last.loss, last.excess)
                if last.holds or all(block_of(run) not in ("", block) for run in last.broken):
                    break
            values = {**best.values, **proposals.ask()}
            tried.append((yield from self._try(judged, values, until_broken=True)))
        chosen = min((one for one in tried if one is not None), key=rank, default=None)
        if chosen is None or chosen.values == best.values:
            return best
        return (yield from self._better(place, best, chosen.values))

    def _back(self, place: Place, best: SettingTrial) -> Finding:
        for limit in self._limits:
            held = self.held[limit.name]
            if best.values[limit.name] == held:
                continue
            other = yield from self._try(place, {**best.values, limit.name: held}, until_broken=True)
            if other is not None and other.rank <= (best.excess, best.loss + FLOOR):
                best = other
        self.best = dict(best.values)
        return best

    def _calls(self, values: Setting) -> dict[str, float]:
        """The part of a setting that an instance's memory bounds."""
        return {limit.name: values[limit.name] for limit in self._of(CALLS, 1)}

    def _of(self, block: str, instance: int) -> list[TunedLimit]:
        """A block's limits; memory that is twice as large holds twice the calls."""
        return [
            limit._replace(high=limit.high * instance) if limit.name == MOST_CALLS else limit
            for limit in self._limits
            if limit.block == block
        ]

    def _try(
        self, place: Place, values: Setting, *, until_broken: bool = False, again: bool = False
    ) -> Trying:
        wanted = [
            Wanted(attack, values, "short", mau=place.mau, instance=place.instance)
            for attack in place.attacks
        ]
        return try_all(self.memory, wanted, no_worse_than=0.0 if until_broken else math.inf, again=again)

    def _put(self, mau: int, **changed: Any) -> None:
        self.found[mau] = replace(self.found[mau], **changed)


def _attack(run: TuningRun) -> TuningAttack:
    return growth_table.BY_NAME[run.attack]


def _blocks(attack: TuningAttack) -> set[str]:
    return {BY_NAME[name].block for name in attack.feels}


def _feels(run: TuningRun) -> bool:
    return CALLS in _blocks(_attack(run))


def _of_an_instance(run: TuningRun) -> bool:
    """More memory or CPU might mend it."""
    return _feels(run) or block_of(run) == CALLS
