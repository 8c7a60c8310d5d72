"""The breakpoint search: the highest rate that a target bears, found by trials at single rates.

A state machine without clock or load: `next_trial` names a rate, the caller runs it and `report`s it.

    low ──passed──▶ growth × 2 … ──failed──▶ bisection ──close enough──▶ confirmation at the lower bound
     └─failed─▶ "below low"  └─high passed─▶ confirmation ─▶ "at least high"      └─failed─▶ bisection below

The bounds are derived from the reports alone: upper is the lowest rate that failed, lower the highest that
passed below it. So a rate that passed and then fails its confirmation becomes the upper bound, and noise
moves the answer down, never up. Bisection is geometric, for the tolerance is relative. The last trial
allowed is kept for a confirmation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

from shapes.base import MAX_RATE, number, whole

MACHINE: Final = "this machine"
"""The limit to report when the load engine or the bundled stack, not the target, gave way."""

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
    "below" upper, for nothing passed; "none": no trial was run. confirmed: lower passed twice.
    """

    kind: Kind
    lower: float | None
    upper: float | None
    confirmed: bool
    first_limit: str
    trials: tuple[Trial, ...]

    def __str__(self) -> str:
        words = {
            "breakpoint": f"{self.lower:g} per second" if self.lower else "",
            "at least": f"at least {self.lower:g} per second" if self.lower else "",
            "below": f"below {self.upper:g} per second" if self.upper else "",
            "none": "not known",
        }[self.kind]
        limit = f", limited by {self.first_limit}" if self.first_limit else ""
        return words + limit + (", not confirmed" if self.lower and not self.confirmed else "")


class Search:
    """A search in [low, high] arrivals/s until upper ≤ lower · (1 + tolerance). Raises ValueError."""

    def __init__(
        self, low: float, high: float, *, tolerance: float = 0.1, growth: float = 2.0, max_trials: int = 15
    ) -> None:
        self.low = number("low", low, 1e-6, MAX_RATE)
        self.high = number("high", high, low, MAX_RATE)
        self.tolerance = number("tolerance", tolerance, 0.001, 1)
        self.growth = number("growth", growth, 1.1, 10)
        self.max_trials = whole("max_trials", max_trials, 2, 1000)
        self._trials: list[Trial] = []

    def next_trial(self) -> float | None:
        """The rate to try next, the same until it is reported; None when the search is over."""
        if not self._trials:
            return self.low
        lower, left = self._lower, self.max_trials - len(self._trials)
        if lower is None or left == 0 or (self._close and self._confirmed):
            return None
        if self._close or (left == 1 and not self._confirmed):
            return lower
        if self._upper is None:
            return min(lower * self.growth, self.high)
        return math.sqrt(lower * self._upper)

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
            kind = "below" if self._trials else "none"
        elif upper is None or limit == MACHINE:
            kind = "at least"
        return Result(kind, lower, upper, self._confirmed, limit, tuple(self._trials))

    @property
    def _upper(self) -> float | None:
        return min((trial.rate for trial in self._trials if not trial.passed), default=None)

    @property
    def _lower(self) -> float | None:
        upper = math.inf if self._upper is None else self._upper
        return max(
            (trial.rate for trial in self._trials if trial.passed and trial.rate < upper), default=None
        )

    @property
    def _close(self) -> bool:
        """The bounds are as near to each other as asked for."""
        if self._lower is None:
            return False
        if self._upper is None:
            return self._lower >= self.high
        return self._upper <= self._lower * (1 + self.tolerance)

    @property
    def _confirmed(self) -> bool:
        return sum(trial.passed and trial.rate == self._lower for trial in self._trials) >= 2
