"""A made-up gateway under load by size: what each run of `make tune GROWTH=…` would come to.

Ordinary work needs ten calls a user, and 1.4 calls in all for each monthly active user (MAU). Of the crowd
half of the MAU want fifteen calls each; an instance of k times a nano is full above 4,277 k of them, and
twenty calls have to be free for innocents. A pool of less than a fiftieth of the MAU is too small; an outage
harms others by a timeout over 10 s. So with HELD, by arithmetic:

    10 MAU     everything holds
    100, 500   the limit for all has to be above 770 and 3,770 calls, and below 4,277
    1,000      7,520 calls are more than a nano holds; eight a user would fit, and ordinary work needs ten
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from cli.tuning.wanted import Wanted
from scenarios.tuning_table import TunedLimit, named
from verdicts.tuning.outcome import TuningRun

HELD: Final = {**named("plan")[0], "burst-per-second": 10.0, "timeout": 6.0}
FULL: Final = 4277
Came = tuple[float, float, str, str]  # served, room, the bound that broke or "", what gave way first


def figures(attack: str, values: Mapping[str, float], mau: int, instance: int) -> Came:
    """What a run comes to."""
    user, most = values["user-concurrency"], values["global-concurrency"]
    if attack == "ordinary-work":
        served = min(1.0, user / 10) * min(1.0, most / (1.4 * mau))
        why = "user-concurrency" if user < 10 else "global-concurrency"
        return (served, 0.8, "", "") if served == 1 else (served, 0.8, "service is too low", why)
    if attack == "nano-oom":
        pile = mau / 2 * min(user, 15)
        if min(pile, most) > FULL * instance:
            return 0.0, 0.0, "nano_memory is too high", "nano memory"
        starved = pile + 20 > most
        return (0.03, 0.5, "success is 3 %", "global-concurrency") if starved else (1.0, 0.5, "", "")
    if attack == "upstream-outage":
        slow = values["timeout"] > 10
        return (0.9, 0.8, "wait is too long", "this machine") if slow else (1.0, 0.8, "", "")
    if attack == "db-pool" and values["pool-size"] < mau / 50:
        return 0.6, 0.8, "unclear is too high", "this machine"
    return 1.0, 0.8, "", ""


def run(wanted: Wanted, number: int) -> TuningRun:
    """A run of it."""
    served, room, broken, limit = figures(wanted.attack.name, wanted.values, wanted.mau, wanted.instance)
    return TuningRun(
        attack=wanted.attack.name, values=dict(wanted.values), length=wanted.length, served=served, room=room,
        broken=(broken,) if broken else (), limit=limit, mau=wanted.mau, instance=wanted.instance,
        folder=f"{wanted.attack.name}-t{number:03d}", took_s=30.0,
    )  # fmt: skip


class Ladder:
    """Proposes five values of each limit in turn, from its lowest to its highest."""

    def __init__(self, limits: Sequence[TunedLimit], seed: int = 1) -> None:
        self._limits, self._step = limits, 0

    def ask(self) -> dict[str, float]:
        """The next rung."""
        share, self._step = (self._step % 5) / 4, self._step + 1
        return {one.name: one.fitting(one.low + share * (one.high - one.low)) for one in self._limits}

    def tell(self, values: Mapping[str, float], loss: float, excess: float) -> None:
        """It learns nothing."""
