"""What a search for limits answers, derived from its runs alone.

    answer = Answer.of(found)              # a TuningFile
    answer.limits                          # for each limit: keep, lower, raise; what breaks on either side
    answer.points, answer.front            # settings as (lost, room); those that no other one beats in both
    answer.confirmed                       # per attack: runs at full length, with intervals

A setting stands on shortened runs of the searched attacks. Two are told apart where the excess of one, or at
the same excess its loss, is larger by more than `FLOOR`; a limit matters where half or twice its value is
told apart from it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Final, Literal, NamedTuple

from scenarios.tuning_table import (
    ATTACKS,
    BY_NAME,
    CONFIRMED,
    LIMITS,
    SETS,
    Setting,
    TunedLimit,
    TuningAttack,
    named,
)
from verdicts import student_t
from verdicts.tuning.outcome import Length, TuningRun
from verdicts.tuning.trial import FLOOR, SettingTrial
from verdicts.tuning.tuning_file import TuningFile

Verdict = Literal["keep", "lower", "raise", "switch on", "switch off"]
LEVEL: Final = 0.95


class LimitSide(NamedTuple):
    """One limit at another value, all others as recommended: its runs, and those of the recommended value."""

    value: float
    trial: SettingTrial
    own: SettingTrial

    @property
    def more_lost(self) -> float:
        """How much more is lost than at the recommended value."""
        return self.trial.loss - self.own.loss

    @property
    def worse(self) -> bool:
        """It is told apart, and worse."""
        return _worse(self.trial, self.own)

    @property
    def apart(self) -> bool:
        """It is told apart: worse, or better."""
        return self.worse or _worse(self.own, self.trial)

    @property
    def broken(self) -> TuningRun | None:
        """The first run of it that did not hold, rather of an attack that the recommended value holds."""
        return min(self.trial.broken, key=self.as_own, default=None)

    def as_own(self, run: TuningRun) -> bool:
        """The recommended value breaks a bound of this run's attack, too."""
        return run.attack in {one.attack for one in self.own.broken}


@dataclass(frozen=True)
class LimitAnswer:
    """One limit. `plan` side: the plan's value in the recommended set; a side that was not tried is None."""

    limit: TunedLimit
    value: float
    plan: LimitSide | None
    low: LimitSide | None
    high: LimitSide | None

    @property
    def verdict(self) -> Verdict:
        """What to do with the plan's value."""
        if self.value == self.limit.plan:
            return "keep"
        if self.limit.switch:
            return "switch on" if self.value else "switch off"
        return "lower" if self.value < self.limit.plan else "raise"

    @property
    def known(self) -> bool:
        """A run says something of it: another value was tried, or it is not the plan's."""
        return bool(self.sides) or self.plan is not None or self.value != self.limit.plan

    @property
    def sides(self) -> tuple[LimitSide, ...]:
        """Those that were tried."""
        return tuple(side for side in (self.low, self.high) if side is not None)

    @property
    def matters(self) -> bool | None:
        """A side is told apart; None where none was tried."""
        return any(side.apart for side in self.sides) if self.sides else None

    @property
    def interval(self) -> tuple[float, float]:
        """From the lowest to the highest value that is not told apart from the recommended one."""
        tried = (*self.sides, *([self.plan] if self.plan else []))
        same = [self.value, *(side.value for side in tried if not side.worse)]
        return min(same), max(same)


class SettingPoint(NamedTuple):
    """A setting on the front's two axes. `name`: plan, today, none, recommended, or ""."""

    name: str
    trial: SettingTrial


class Confirmation(NamedTuple):
    """An attack at full length: how many runs held of how many, and what they served."""

    attack: TuningAttack
    runs: tuple[TuningRun, ...]
    served: float
    interval: tuple[float, float] | None
    room: float

    @property
    def held(self) -> int:
        """Runs in which every bound held."""
        return sum(run.held for run in self.runs)


@dataclass(frozen=True)
class Answer:
    """All of it."""

    found: TuningFile
    limits: tuple[LimitAnswer, ...]
    points: tuple[SettingPoint, ...]
    confirmed: tuple[Confirmation, ...]

    @classmethod
    def of(cls, found: TuningFile) -> Answer:
        """The answer of a search, however far it came."""
        runs = found.runs
        return cls(
            found,
            tuple(_limit(limit, found.best, runs) for limit in LIMITS if limit.name in found.best),
            tuple(_points(found.best, runs)),
            tuple(_confirmed(found.best, runs)),
        )

    @property
    def front(self) -> tuple[SettingPoint, ...]:
        """Settings that hold, and that no other one beats in both."""
        held = sorted(
            (one for one in self.points if one.trial.holds), key=lambda one: (one.trial.lost, -one.trial.room)
        )
        best, kept = -math.inf, []
        for point in held:
            if point.trial.room > best:
                best = point.trial.room
                kept.append(point)
        return tuple(kept)

    @property
    def known(self) -> bool:
        """Something can be said of a limit."""
        return any(one.known for one in self.limits)

    @property
    def sure(self) -> Literal["confirmed", "broken", "not confirmed"]:
        """Whether every attack held at full length in each of enough runs.

        What breaks before the search is over is no answer: a better one was still sought.
        """
        if any(one.held < len(one.runs) for one in self.confirmed):
            return "not confirmed" if self.found.ended else "broken"
        enough = all(len(one.runs) >= one.attack.runs for one in self.confirmed)
        asked = len(ATTACKS) - len(self.found.left_out)
        return "confirmed" if enough and len(self.confirmed) == asked else "not confirmed"


def _limit(limit: TunedLimit, best: Setting, runs: Sequence[TuningRun]) -> LimitAnswer:
    attacks = [one for one in ATTACKS if one.searched and limit.name in one.feels]
    own, value = trial(best, attacks, runs), best[limit.name]

    def side(other: float) -> LimitSide | None:
        found = None if other == value else trial({**best, limit.name: other}, attacks, runs)
        return None if found is None or own is None else LimitSide(other, found, own)

    others = limit.sides(value)
    return LimitAnswer(
        limit,
        value,
        side(limit.plan),
        next((side(one) for one in others if one < value), None),
        next((side(one) for one in others if one > value), None),
    )


def _worse(one: SettingTrial, other: SettingTrial) -> bool:
    more = one.excess - other.excess
    return more > FLOOR or (abs(more) <= FLOOR and one.loss - other.loss > FLOOR)


def trial(
    values: Setting,
    attacks: Iterable[TuningAttack],
    runs: Sequence[TuningRun],
    length: Length = "short",
    set: str = "",
) -> SettingTrial | None:
    """A setting's runs, each by what its attack feels; None where one is missing and none broke before it."""
    made: list[TuningRun] = []
    left_out = 0
    for attack in attacks:
        mine = [run for run in runs if _is_of(run, attack, values, length, set)]
        left_out += not mine
        made += mine
    if not made or (left_out and all(run.held for run in made)):
        return None
    return SettingTrial(values, tuple(made), left_out)


def _is_of(run: TuningRun, attack: TuningAttack, values: Setting, length: Length, set: str) -> bool:
    if (run.attack, run.length, run.set) != (attack.name, length, set):
        return False
    return all(run.values.get(name) == values.get(name) for name in attack.feels)


def _points(best: Setting, runs: Sequence[TuningRun]) -> Iterable[SettingPoint]:
    searched = [one for one in ATTACKS if one.searched]
    for name in SETS:
        values = {**best, **named(name)[0]} if name == "plan" else named(name)[0]
        if found := trial(values, searched, runs, set="" if name == "plan" else name):
            yield SettingPoint(name, found)
    others = {
        tuple(sorted(run.values.items())): run.values for run in runs if run.length == "short" and not run.set
    }
    plan = {name: BY_NAME[name].plan for name in best}
    for values in others.values():
        found = None if values == plan else trial(values, searched, runs)
        if found is not None and not found.left_out:
            yield SettingPoint("recommended" if values == best else "", found)


def _confirmed(best: Setting, runs: Sequence[TuningRun]) -> Iterable[Confirmation]:
    for attack in ATTACKS:
        if found := trial(best, [attack], runs, "full"):
            served = [run.served for run in found.runs]
            yield Confirmation(
                attack, found.runs, fmean(served), interval(served), fmean(run.room for run in found.runs)
            )


def interval(values: Sequence[float]) -> tuple[float, float] | None:
    """Of the mean of shares, at 95 % by Student's t; None of fewer than three."""
    if len(values) < CONFIRMED:
        return None
    reach = student_t.quantile((1 + LEVEL) / 2, len(values) - 1) * stdev(values) / math.sqrt(len(values))
    return max(0.0, fmean(values) - reach), min(1.0, fmean(values) + reach)
