"""Which settings of a block go on, which stand behind the one that is taken, and which block a run points to.

A block may be searched before others have mended what breaks in all of its settings. So its settings are held
against its best one: those stand beside it that break no other attack.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Final

from scenarios.growth_table import OF_INSTANCE as CALLS
from scenarios.tuning_table import LIMITS, TunedLimit
from verdicts.tuning.outcome import TuningRun
from verdicts.tuning.trial import SettingTrial

HALVED: Final = 3  # one of so many goes on
# What gave way first (`verdicts.explain.first_limit`) where that is not a limit's own name → the block.
NAMED: Final = {
    "burst-limit": "rates",
    "rate-limit": "rates",
    "breaker": "patience",
    "nano memory": CALLS,
    "nano CPU": CALLS,
}


def block_of(run: TuningRun, limits: Iterable[TunedLimit] = LIMITS) -> str:
    """The block that what gave way first names; "" where it names none."""
    return next((limit.block for limit in limits if limit.name == run.limit), NAMED.get(run.limit, ""))


def broke(trial: SettingTrial) -> set[str]:
    """The attacks that broke a bound."""
    return {run.attack for run in trial.broken}


def stands_beside(trial: SettingTrial, other: SettingTrial) -> bool:
    """All of its attacks were run, and it broke none that the other did not break."""
    return not trial.left_out and broke(trial) <= broke(other)


def going_on(tried: Sequence[SettingTrial]) -> list[SettingTrial]:
    """Those that run again at full length: of `tried`, best first, a third of what stands beside the best.

    Two at least, where there are two.
    """
    standing = [trial for trial in tried if stands_beside(trial, tried[0])]
    return standing[: max(2, math.ceil(len(standing) / HALVED))]
