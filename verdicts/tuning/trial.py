"""A setting's runs together: does it hold, what is lost, how much room is left, and which of two is better.

    lost      the mean over the attacks of what they did not serve, each by the mean of its runs
    room      the least over the attacks
    loss      lost + 0.1 × (1 − room): a point of users served is worth ten of memory
    excess    how far the broken bounds are broken, and an attack that was left out is one that served nobody;
              0 where every bound held

Settings that hold come first, by loss; then the others, by excess. Losses within `FLOOR` are not told apart.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean
from typing import Final

from scenarios.tuning_table import Setting
from verdicts.tuning.outcome import TuningRun

ROOM_COUNTS: Final = 0.1
FLOOR: Final = 0.01
BROKEN: Final = 0.05  # of a broken bound, beside what it did not serve


@dataclass(frozen=True)
class SettingTrial:
    """A setting and its runs of some attacks; `left_out`: how many of these are missing or prove nothing."""

    values: Setting
    runs: tuple[TuningRun, ...]
    left_out: int = 0

    @property
    def broken(self) -> tuple[TuningRun, ...]:
        """The runs that did not hold."""
        return tuple(run for run in self.runs if not run.held)

    @property
    def holds(self) -> bool:
        """Every bound of every attack held in every run."""
        return not self.left_out and not self.broken

    @property
    def lost(self) -> float:
        """Share of calls that were not served, 0 to 1."""
        return 1.0 - fmean(fmean(run.served for run in runs) for runs in by_attack(self.runs).values())

    @property
    def room(self) -> float:
        """Share of memory that was left, 0 to 1."""
        return min(fmean(run.room for run in runs) for runs in by_attack(self.runs).values())

    @property
    def loss(self) -> float:
        """What the search makes small."""
        return self.lost + ROOM_COUNTS * (1.0 - self.room)

    @property
    def excess(self) -> float:
        """How far from holding."""
        return sum(BROKEN + 1.0 - run.served for run in self.broken) + (BROKEN + 1.0) * self.left_out

    @property
    def rank(self) -> tuple[float, float]:
        """Less is better."""
        return (self.excess, self.loss)


def by_attack(runs: Iterable[TuningRun]) -> dict[str, list[TuningRun]]:
    """Runs by their attack, in order."""
    found: dict[str, list[TuningRun]] = {}
    for run in runs:
        found.setdefault(run.attack, []).append(run)
    return found
