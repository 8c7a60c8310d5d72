"""A setting under several attacks, as steps of a search: a wanted run goes out, its outcome comes in."""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence

from cli.tuning.memory import Memory
from cli.tuning.wanted import Wanted
from scenarios.tuning_table import TuningAttack
from verdicts.tuning.outcome import TuningRun
from verdicts.tuning.trial import SettingTrial

Steps = Generator[Wanted, TuningRun | None, None]
Trying = Generator[Wanted, TuningRun | None, SettingTrial | None]


def try_all(
    memory: Memory, wanted: Sequence[Wanted], *, no_worse_than: float = math.inf, again: bool = False
) -> Trying:
    """All these runs of one setting; None where one of them left no data point. What is known is not run.

    `no_worse_than`: an excess; it ends with the broken bound that makes its own as large.
    `again`: what proved nothing before is wanted once more; no later proposal may depend on it.
    """
    runs: list[TuningRun] = []
    for one in wanted:
        if memory.is_silent(one) and not again:
            return None
        run = memory.find(one)
        if run is None:
            run = yield one
            if run is None:
                memory.silence(one)
                return None
            memory.keep(one.attack, run)
        runs.append(run)
        if not run.held and SettingTrial(one.values, tuple(runs)).excess >= no_worse_than:
            left_out = {other.attack.name for other in wanted} - {other.attack for other in runs}
            return SettingTrial(one.values, tuple(runs), len(left_out))
    return SettingTrial(wanted[0].values, tuple(runs)) if wanted else None


def tell_first(attacks: Sequence[TuningAttack], tried: Sequence[SettingTrial]) -> list[TuningAttack]:
    """Those first that broke a bound most often."""
    broke = [run.attack for trial in tried for run in trial.broken]
    return sorted(attacks, key=lambda attack: -broke.count(attack.name))


def rank(trial: SettingTrial) -> tuple[float, float]:
    """Less is better."""
    return trial.rank
