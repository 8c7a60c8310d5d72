"""The search for a set of limits: which run is wanted next. No clock, no load, no file.

    search = LimitSearch(LIMITS, ATTACKS, spend, seed, optuna_proposals)
    for stage in search.stages():          # SearchStage(name, steps)
        wanted = next(stage.steps)         # Wanted: an attack at a setting; then
        wanted = stage.steps.send(run)     # what it came to, or None where it proves nothing
    search.best                            # limit → value, the best so far, at any time

It begins with the plan's values, and goes block by block, all other limits being the best so far:

    search block    settings by shortened runs, each until it breaks bounds as far as the best so far, which
                    may break some that other blocks mend; the best third of those that break no more attacks
                    than the best, two at least, again at full length (successive halving), but for what broke
                    already; the best of these is taken
    plan's values   each limit back to the plan's value: kept there if it holds and loses no more
    confirm n       every attack at full length, n runs each; where a bound breaks, a block's next best
    confirm others  those of which one run is enough, at full length: what no limit is known to move
    today, none     those two sets by shortened runs, for the page
    sides           half and twice each value, by shortened runs: what breaks on either side; one that is
                    better is taken, and its own sides tried, `MOVES` times at most

A run that was made already is not wanted again (`Memory`), nor is one that proved nothing, but in a
confirmation and for the page: so a search is carried on by giving it its runs, and goes the same way.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from cli.tuning.blocks import block_of, broke, going_on, stands_beside
from cli.tuning.memory import Memory
from cli.tuning.proposals import Propose
from cli.tuning.trying import Steps, Trying, rank, tell_first, try_all
from cli.tuning.wanted import Wanted
from scenarios.tuning_table import CONFIRMED, Setting, TunedLimit, TuningAttack, named
from verdicts.tuning.outcome import Length, TuningRun
from verdicts.tuning.trial import FLOOR, SettingTrial

MOVES: Final = 2
RETREATS: Final = 3  # other settings that a confirmation tries at most
LAST: Final = "none"  # the stage with which a search comes to its end


class SearchStage(NamedTuple):
    """A part of the search that has a name."""

    name: str
    steps: Steps


class LimitSearch:
    """See the module. `spend`: block → how many shortened runs its settings may take."""

    def __init__(
        self,
        limits: Sequence[TunedLimit],
        attacks: Sequence[TuningAttack],
        spend: Mapping[str, int],
        seed: int,
        propose: Propose,
    ) -> None:
        self.best: dict[str, float] = {limit.name: limit.plan for limit in limits}
        self.memory = Memory()
        self._limits, self._attacks, self._spend = limits, attacks, spend
        self._seed, self._propose = seed, propose
        self._ranked: dict[str, list[SettingTrial]] = {}

    @property
    def names(self) -> list[str]:
        """The stages in order."""
        return [
            *(f"search {block}" for block in self._spend),
            "plan's values", "confirm 1", "today", "sides",
            *(f"confirm {number}" for number in range(2, CONFIRMED + 1)), "confirm others", LAST,
        ]  # fmt: skip

    def stages(self) -> Iterator[SearchStage]:
        """Each in turn; one that was not gone through to its end may be left."""
        for name in self.names:
            kind, _, of = name.partition(" ")
            if kind == "search":
                yield SearchStage(name, self._block(of))
            elif kind == "confirm":
                yield SearchStage(name, self._others() if of == "others" else self._confirm(int(of)))
            else:
                yield SearchStage(
                    name, self._plans() if of else self._sides() if kind == "sides" else self._set(name)
                )

    def _block(self, block: str) -> Steps:
        limits = [limit for limit in self._limits if limit.block == block]
        attacks = self._felt(limits, searched=True)
        proposals = self._propose(limits, self._seed)
        tried: list[SettingTrial] = []
        left = self._spend[block]
        while left > 0:
            values = {**self.best, **(proposals.ask() if left < self._spend[block] else {})}
            trial = yield from self._try(
                values, tell_first(attacks, tried), "short", no_worse_than=_least_excess(tried)
            )
            left -= len(trial.runs) if trial else len(attacks)
            if trial is not None:
                proposals.tell(values, trial.loss, trial.excess)
                tried.append(trial)
        tried.sort(key=rank)
        finals: list[SettingTrial] = []
        for trial in going_on(tried):
            final = yield from self._at_full_length(trial, attacks, _least_excess(finals))
            finals += [final] if final is not None else []
        # What broke at full length loses to what held there, or else to what was not disproved.
        proved = [one for one in finals if stands_beside(one, tried[0])]
        judged = [next((one for one in finals if one.values == trial.values), trial) for trial in tried]
        if chosen := min(proved or judged, key=rank, default=None):
            self.best = dict(chosen.values)
            self._ranked[block] = sorted((one for one in judged if stands_beside(one, chosen)), key=rank)

    def _at_full_length(
        self, trial: SettingTrial, attacks: Sequence[TuningAttack], no_worse_than: float
    ) -> Trying:
        """A setting's attacks at full length, but for those that broke already: of these the runs stand."""
        held = [attack for attack in attacks if attack.name not in broke(trial)]
        made = yield from self._try(trial.values, held, "full", no_worse_than=no_worse_than - trial.excess)
        if made is not None:
            return SettingTrial(trial.values, (*made.runs, *trial.broken), made.left_out)
        # One proved nothing. What broke before it did is broken all the same.
        found = [self.memory.find(Wanted(attack, trial.values, "full")) for attack in held]
        broken = tuple(run for run in found if run is not None and not run.held)
        return SettingTrial(trial.values, (*broken, *trial.broken), left_out=1) if broken else None

    def _plans(self) -> Steps:
        for limit in self._limits:
            if self.best[limit.name] == limit.plan:
                continue
            attacks = self._felt([limit], searched=True)
            mine = yield from self._try(self.best, attacks, "short")
            if mine is None:
                continue
            plans = yield from self._try(
                {**self.best, limit.name: limit.plan}, attacks, "short", no_worse_than=mine.excess
            )
            if plans and plans.rank <= (mine.excess, mine.loss + FLOOR):
                self.best = dict(plans.values)

    def _confirm(self, repeats: int) -> Steps:
        tried: list[SettingTrial] = []
        for _ in range(1 + RETREATS):
            runs: list[TuningRun] = []
            silent = 0
            for attack in self._attacks:  # one by one: where one proves nothing the others still do
                if attack.runs < CONFIRMED:
                    continue
                one = yield from self._try(self.best, [attack], "full", repeats=repeats, again=True)
                runs += one.runs if one else ()
                silent += 0 if one else repeats
            if not runs:
                break
            tried.append(SettingTrial(dict(self.best), tuple(runs), left_out=silent))
            if tried[-1].holds or not self._retreat(tried[-1]):
                break
        if tried:
            # Of two as far from holding the one that is known to be goes first.
            self.best = dict(min(tried, key=lambda one: (one.excess, one.left_out, one.loss)).values)

    def _others(self) -> Steps:
        for attack in self._attacks:
            if attack.runs < CONFIRMED:
                yield from self._try(self.best, [attack], "full", repeats=attack.runs, again=True)

    def _retreat(self, trial: SettingTrial) -> bool:
        """Take the next best of a block that might mend what broke; False where there is none."""
        blocks = {block for run in trial.broken for block in self._might_mend(run)}
        for block, ranked in self._ranked.items():
            limits = [limit.name for limit in self._limits if limit.block == block]
            while block in blocks and ranked:
                other = ranked.pop(0)
                values = {**self.best, **{name: other.values[name] for name in limits}}
                if values != self.best:
                    self.best = values
                    return True
        return False

    def _might_mend(self, run: TuningRun) -> set[str]:
        """The blocks that the attack feels; of one that is confirmed alone, what gave way first."""
        attack = next(one for one in self._attacks if one.name == run.attack)
        if not attack.searched:
            return {block_of(run, self._limits)}
        return {limit.block for limit in self._limits if limit.name in attack.feels}

    def _sides(self) -> Steps:
        for limit in self._limits:
            for _ in range(1 + MOVES):
                before = self.best[limit.name]
                yield from self._both_sides(limit)
                if self.best[limit.name] == before:
                    break

    def _both_sides(self, limit: TunedLimit) -> Steps:
        attacks = self._felt([limit], searched=True)
        own = yield from self._try(self.best, attacks, "short")
        for value in limit.sides(self.best[limit.name]):
            other = yield from self._try({**self.best, limit.name: value}, attacks, "short")
            if own and other and other.rank < (own.excess, own.loss - FLOOR):
                self.best, own = dict(other.values), other

    def _set(self, name: str) -> Steps:
        searched = [attack for attack in self._attacks if attack.searched]
        yield from self._try(named(name)[0], searched, "short", set=name, again=True)

    def _felt(self, limits: Sequence[TunedLimit], *, searched: bool) -> list[TuningAttack]:
        names = {limit.name for limit in limits}
        return [one for one in self._attacks if one.searched >= searched and not names.isdisjoint(one.feels)]

    def _try(
        self,
        values: Setting,
        attacks: Sequence[TuningAttack],
        length: Length,
        *,
        repeats: int = 1,
        no_worse_than: float = math.inf,
        set: str = "",
        again: bool = False,
    ) -> Trying:
        """See `try_all`."""
        return try_all(
            self.memory,
            [Wanted(attack, values, length, repeat, set) for repeat in range(repeats) for attack in attacks],
            no_worse_than=no_worse_than,
            again=again,
        )


def _least_excess(tried: Sequence[SettingTrial]) -> float:
    return min((trial.excess for trial in tried), default=math.inf)
