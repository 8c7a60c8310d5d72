"""A stack of a page, with limits of which the best values are known: what a search is tried on.

    made = MadeStack(seed)
    run = made.run(wanted)         # what a run of it came to, with 5 % of noise
    true(values)                   # the same without noise
    OPTIMUM                        # (values, loss) by trying a fine grid

A crowd holds as many calls as each of a hundred spammers may have; memory is full at 6,134 of them. Batches
need ten calls of a user at once, and some twenty. An outage costs by how long callers wait; a breaker that
trips too soon costs as well. Pages take three seconds, more or less. `rest` changes nothing.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from itertools import product
from statistics import NormalDist
from typing import Final

from cli.tuning.wanted import Wanted
from scenarios.tuning_table import Setting, TunedLimit, TuningAttack
from verdicts.tuning.outcome import TuningRun
from verdicts.tuning.trial import SettingTrial

NOISE: Final = 0.05
FULL: Final = 6134
NORMAL: Final = NormalDist()
LIMITS: Final = (
    TunedLimit("user", "calls", "origin.user_concurrency", 2, 500, 50, None),
    TunedLimit("global", "calls", "origin.global_concurrency", 20, 10_000, 100, None),
    TunedLimit("timeout", "patience", "origin.timeout", 1, 120, 30, None, whole=False),
    TunedLimit("failures", "patience", "origin.breaker_failures", 1, 100, 5, None),
    TunedLimit("rest", "patience", "origin.breaker_open", 1, 60, 5, None, whole=False),
)
ATTACKS: Final = (
    TuningAttack("batches", ("user",), 60, 15, {}, ordinary=True),
    TuningAttack("crowd", ("user", "global"), 60, 15, {}),
    TuningAttack("pages", ("timeout",), 60, 15, {}, ordinary=True),
    TuningAttack("outage", ("timeout", "failures", "rest"), 60, 15, {}),
)
BOUND: Final = {"batches": 0.75, "crowd": 0.8, "pages": 0.8, "outage": 0.7}
ROOM: Final = 0.2


def figures(attack: str, values: Setting) -> tuple[float, float]:
    """(served, room) without noise."""
    if attack == "batches":
        return sum(min(1.0, values["user"] / many) for many in (4, 8, 10, 12, 20)) / 5, 0.8
    if attack == "crowd":
        wanted = 30 + 100 * min(values["user"], 150)
        held = min(wanted, values["global"])
        return (held / wanted, 1 - held / FULL) if held < FULL else (0.0, 0.0)
    if attack == "pages":
        return NORMAL.cdf(math.log(values["timeout"] / 3) / 0.2), 0.8
    trips = NORMAL.cdf(math.log(values["failures"] / 3) / 0.5)
    waits = 0.012 * min(values["timeout"], 35) + 0.004 * values["failures"]
    return max(0.0, 1 - waits - 0.1 * (1 - trips)), 0.8


class MadeStack:
    """One, with its own noise."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.count = 0

    def run(self, wanted: Wanted) -> TuningRun:
        """A run, with noise."""
        self.count += 1
        served, room = (self._noisy(value) for value in figures(wanted.attack.name, wanted.values))
        return outcome(wanted.attack.name, wanted.values, served, room, wanted)

    def _noisy(self, value: float) -> float:
        return min(1.0, max(0.0, value * (1 + self._random.gauss(0, NOISE))))


def outcome(
    attack: str, values: Setting, served: float, room: float, wanted: Wanted | None = None
) -> TuningRun:
    """A run that came to this."""
    broken = ("served",) * (served < BOUND[attack]) + ("room",) * (room < ROOM)
    return TuningRun(
        attack=attack, values=dict(values), length=wanted.length if wanted else "full",
        repeat=wanted.repeat if wanted else 0, served=served, room=room, broken=broken,
    )  # fmt: skip


def true(values: Setting) -> SettingTrial:
    """A setting without noise."""
    return SettingTrial(
        values, tuple(outcome(one.name, values, *figures(one.name, values)) for one in ATTACKS)
    )


def _grid() -> tuple[Mapping[str, float], float]:
    users, all_calls = [4 * 1.05**n for n in range(90)], [200 * 1.1**n for n in range(40)]
    calls = [{"user": user, "global": most} for user, most in product(users, all_calls)]
    patience = [
        {"timeout": 3 * 1.05**n, "failures": float(count), "rest": 5.0}
        for n in range(40)
        for count in range(2, 15)
    ]
    first = min((true({**one, **patience[60]}) for one in calls), key=lambda trial: trial.rank).values
    best = min((true({**first, **one}) for one in patience), key=lambda trial: trial.rank)
    return best.values, best.loss


OPTIMUM: Final = _grid()
