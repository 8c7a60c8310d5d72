"""The breakpoint search: the highest rate that a target bears, found by trials at single rates.

A state machine without clock or load: `next_trial` names a rate, the caller runs it and `report`s it.

    start ──passed──▶ up … ──failed──▶ bisection ──close enough──▶ confirmation of both bounds
       │               └─high passed─▶ confirmation ─▶ "at least high"      └─refuted─▶ bisection
       └────failed──▶ down … ──passed──▶ bisection
                       └─low failed─▶ confirmation ─▶ "below low"

Without `start` it is low, and each step up multiplies by `growth`. With one (a guess, or what a similar
target bears) the first step is the tolerance, each further one the square of it, up to `growth`: a good
guess is bracketed in two trials.

The bounds are derived from the reports alone, by majority: upper is the lowest rate that failed more often
than it passed, lower the highest below it that passed more often. A bound is confirmed by a second trial;
where the two differ a third one decides. So one unlucky trial moves the answer neither down nor up. A failure
for this machine's sake says nothing of the target, and is not tried again here. Bisection is geometric, for
the tolerance is relative. The last trial allowed is kept for the lower bound's confirmation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

from shapes.base import MAX_RATE, number, whole

MACHINE: Final = "this machine"
"""The limit to report when the load engine or the bundled stack, not the target, gave way."""

ENOUGH: Final = 12  # squares: 1.001 so often squared is beyond any growth
ROUNDING: Final = 1e-9

Kind = Literal["breakpoint", "at least", "below", "none"]


@dataclass(frozen=True)
class Trial:
    """One run at `rate` (arrivals/s); `limit` is the first threshold that failed, "" if none."""

    rate: float
    passed: bool
    limit: str = ""


@dataclass(frozen=True)
class Result:
    """What is known: lower passed, upper failed (arrivals/s; None if no such rate), first limit at upper.

    kind: "breakpoint" lies in [lower, upper); "at least" lower (never failed, or this machine did);
    "below" upper, for nothing passed; "none": no trial was run, or none passed for this machine.
    confirmed: lower passed twice, and upper failed twice (once, where this machine did).
    """

    kind: Kind
    lower: float | None
    upper: float | None
    confirmed: bool
    first_limit: str
    trials: tuple[Trial, ...]

    def __str__(self) -> str:
        words = {
            "breakpoint": f"{self.lower:.4g} per second" if self.lower else "",
            "at least": f"at least {self.lower:.4g} per second" if self.lower else "",
            "below": f"below {self.upper:.4g} per second" if self.upper else "",
            "none": "not known",
        }[self.kind]
        limit = f", limited by {self.first_limit}" if self.first_limit else ""
        return words + limit + (", not confirmed" if self.lower and not self.confirmed else "")


class Search:
    """A search in [low, high] arrivals/s until upper ≤ lower · (1 + tolerance). Raises ValueError."""

    def __init__(
        self,
        low: float,
        high: float,
        *,
        start: float | None = None,
        tolerance: float = 0.1,
        growth: float = 2.0,
        max_trials: int = 15,
    ) -> None:
        self.low = number("low", low, 1e-6, MAX_RATE)
        self.high = number("high", high, low, MAX_RATE)
        self.start = None if start is None else number("start", start, low, high)
        self.tolerance = number("tolerance", tolerance, 0.001, 1)
        self.growth = number("growth", growth, 1.1, 10)
        self.max_trials = whole("max_trials", max_trials, 2, 1000)
        self._trials: list[Trial] = []

    def next_trial(self) -> float | None:
        """The rate to try next, the same until it is reported; None when the search is over."""
        if not self._trials:
            return self.low if self.start is None else self.start
        if (left := self.max_trials - len(self._trials)) == 0:
            return None
        return self._unsettled(left) if self._tied is None else self._tied

    def _unsettled(self, left: int) -> float | None:
        lower, upper = self._lower, self._upper
        if lower is None and upper is not None and upper > self.low:
            return max(self.low, upper / self._step)
        if lower is None or self._close:
            return self._doubtful
        if left == 1 and not self._passed_twice:
            return lower
        return min(lower * self._step, self.high) if upper is None else math.sqrt(lower * upper)

    def report(self, rate: float, passed: bool, limit_name: str = "") -> Result:
        """Take the outcome of the trial that `next_trial` named. Raises ValueError for any other rate."""
        if rate != self.next_trial():
            raise ValueError(f"a trial at {rate!r} was reported; expected: {self.next_trial()!r}")
        self._trials.append(Trial(rate, passed, "" if passed else limit_name))
        return self.result

    @property
    def result(self) -> Result:
        """What is known so far."""
        lower, upper = self._lower, self._upper
        limit = next((trial.limit for trial in self._trials if not trial.passed and trial.rate == upper), "")
        kind: Kind = "breakpoint"
        if lower is None:
            kind = "below" if self._trials and limit != MACHINE else "none"
        elif upper is None or limit == MACHINE:
            kind = "at least"
        return Result(kind, lower, upper, self._confirmed, limit, tuple(self._trials))

    @property
    def cut_short(self) -> bool:
        """`max_trials` ended it: one more would have been wanted."""
        over = len(self._trials) == self.max_trials
        return over and (self._tied is not None or self._unsettled(self.max_trials) is not None)

    @property
    def _doubtful(self) -> float | None:
        """The bound that is not confirmed yet; None where both are."""
        if self._lower is not None and not self._passed_twice:
            return self._lower
        return None if self._failed_twice else self._upper

    @property
    def _step(self) -> float:
        """The factor to the next rate while there is no bracket."""
        if self.start is None:
            return self.growth
        squared = min(len(self._trials) - 1, ENOUGH)
        return min(self.growth, float((1 + self.tolerance) ** 2**squared))

    @property
    def _leads(self) -> dict[float, int]:
        """By rate: how many more trials passed there than failed."""
        leads: dict[float, int] = {}
        for trial in self._trials:
            leads[trial.rate] = leads.get(trial.rate, 0) + (1 if trial.passed else -1)
        return leads

    @property
    def _tied(self) -> float | None:
        return next((rate for rate, lead in self._leads.items() if lead == 0), None)

    @property
    def _upper(self) -> float | None:
        return min((rate for rate, lead in self._leads.items() if lead < 0), default=None)

    @property
    def _lower(self) -> float | None:
        upper = math.inf if self._upper is None else self._upper
        return max((rate for rate, lead in self._leads.items() if lead > 0 and rate < upper), default=None)

    @property
    def _close(self) -> bool:
        """The bounds are as near to each other as asked for."""
        if self._lower is None:
            return False
        if self._upper is None:
            return self._lower >= self.high
        return self._upper <= self._lower * (1 + self.tolerance) * (1 + ROUNDING)

    @property
    def _confirmed(self) -> bool:
        return self._passed_twice and self._failed_twice

    @property
    def _passed_twice(self) -> bool:
        return sum(trial.passed and trial.rate == self._lower for trial in self._trials) >= 2

    @property
    def _failed_twice(self) -> bool:
        failed = [trial for trial in self._trials if not trial.passed and trial.rate == self._upper]
        return self._upper is None or len(failed) >= 2 or failed[0].limit == MACHINE
