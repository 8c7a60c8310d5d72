"""How much of a budget each part of the search may take.

The stages after the blocks come first: the confirmation, the sides, the sets for the page. What is left, half
of the budget at most, is for candidates, dealt to the blocks by how many limits they have; a block's share
pays for a third of its candidates at full length, too. A run costs its load and `START` seconds beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final

from cli.launch.series import START
from cli.tuning.blocks import HALVED
from scenarios.tuning_table import SETS, TunedLimit, TuningAttack
from verdicts.tuning.outcome import Length

SEARCHED: Final = 0.5  # of the budget, at most
LEAST: Final = 2  # settings of a block at least: the plan's, and another one


def cost(attack: TuningAttack, length: Length) -> float:
    """Seconds of a run."""
    return (attack.short_s if length == "short" else attack.seconds) + START


def spend(seconds: float, limits: Sequence[TunedLimit], attacks: Sequence[TuningAttack]) -> dict[str, int]:
    """Block → how many shortened runs its candidates may take."""
    found: dict[str, int] = {}
    searched = max(0.0, min(SEARCHED * seconds, seconds - after_blocks(limits, attacks)))
    for block in dict.fromkeys(limit.block for limit in limits):
        mine = {limit.name for limit in limits if limit.block == block}
        felt = [one for one in attacks if one.searched and not mine.isdisjoint(one.feels)]
        share = searched * len(mine) / len(limits)
        each = fmean(cost(one, "short") + cost(one, "full") / HALVED for one in felt)
        found[block] = max(LEAST * len(felt), int(share / each))
    return found


def after_blocks(limits: Sequence[TunedLimit], attacks: Sequence[TuningAttack]) -> float:
    """Seconds of the other stages: each limit at the plan's value and on either side, the sets, full length.

    What a broken bound or a better side adds is not in it.
    """
    short = {one.name: cost(one, "short") for one in attacks if one.searched}
    sides = sum(
        (1 + len(limit.sides(limit.plan)))
        * sum(short[one.name] for one in attacks if one.searched and limit.name in one.feels)
        for limit in limits
    )
    sets = sum(short.values()) * (len(SETS) - 1)  # the plan's is tried by the blocks
    return sides + sets + sum(one.runs * cost(one, "full") for one in attacks)


@dataclass
class RunningBudget:
    """So many seconds; `used` are those of runs that were made, whoever made them."""

    seconds: float
    used: float = 0.0

    def allows(self, attack: TuningAttack, length: Length) -> bool:
        """There is time for one more run of it."""
        return self.used + cost(attack, length) <= self.seconds
