"""How much of a budget each part of the search may take.

Half of it is for candidates, dealt to the blocks by how many limits they have; the rest for the confirmation
and the sides. A run costs its load and `START` seconds beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final

from cli.launch.series import START
from scenarios.tuning_table import TunedLimit, TuningAttack
from verdicts.tuning.outcome import Length

SEARCHED: Final = 0.5  # of the budget
LEAST: Final = 2  # settings of a block at least: the plan's, and another one


def cost(attack: TuningAttack, length: Length) -> float:
    """Seconds of a run."""
    return (attack.short_s if length == "short" else attack.seconds) + START


def spend(seconds: float, limits: Sequence[TunedLimit], attacks: Sequence[TuningAttack]) -> dict[str, int]:
    """Block → how many shortened runs its candidates may take."""
    found: dict[str, int] = {}
    for block in dict.fromkeys(limit.block for limit in limits):
        mine = {limit.name for limit in limits if limit.block == block}
        felt = [one for one in attacks if one.searched and not mine.isdisjoint(one.feels)]
        share = seconds * SEARCHED * len(mine) / len(limits)
        found[block] = max(LEAST * len(felt), int(share / fmean(cost(one, "short") for one in felt)))
    return found


@dataclass
class RunningBudget:
    """So many seconds; `used` are those of runs that were made, whoever made them."""

    seconds: float
    used: float = 0.0

    def allows(self, attack: TuningAttack, length: Length) -> bool:
        """There is time for one more run of it."""
        return self.used + cost(attack, length) <= self.seconds
