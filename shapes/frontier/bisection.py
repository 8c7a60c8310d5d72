"""Bisection between two ends, each confirmed: the highest value that passes, the lowest that does not.

A state machine without clock or load, as `shapes.search`: `next_trial` names a value, the caller tries it
and `report`s. `shapes.search` climbs from a guess and knows no upper end; this one begins within a range.

    low (assumed to pass) … geometric middle … high (assumed to fail)   until upper ≤ lower · (1 + tolerance)
    then lower and upper again, each until it has two votes of one kind

A value's outcome is what most of its trials say; while they are even it counts as failed. So a value that
passed and fails its confirmation is tried a third time, and the bracket moves down, never up, by what is
not settled. An end that was only assumed is tried like any other before it is part of an answer.

Only a middle and the two ends are ever tried, so what passed always lies below what failed. Values in between
have three significant digits, so that they can be said and tried again: off by half a per cent at most, where
the tolerance leaves one on each side.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from shapes.base import MAX_RATE, number, whole

CONFIRMED: Final = 2  # votes of one kind
ROUNDING: Final = 1e-9


@dataclass(frozen=True)
class Bracket:
    """`lower` passed, `upper` failed; None: no such value was tried. `confirmed`: each has two votes, and all
    was tried that was wanted."""

    lower: float | None
    upper: float | None
    confirmed: bool

    @property
    def middle(self) -> float | None:
        """The geometric mean of both; None where there is no such bracket."""
        return None if self.lower is None or self.upper is None else math.sqrt(self.lower * self.upper)


class Bisection:
    """A search in [low, high]; `first` is tried first, the middle if none is named. Raises ValueError."""

    def __init__(
        self,
        low: float,
        high: float,
        *,
        tolerance: float = 0.1,
        first: float | None = None,
        max_trials: int = 20,
    ) -> None:
        self.low = number("low", low, 1e-6, MAX_RATE)
        self.high = number("high", high, low, MAX_RATE)
        self.tolerance = number("tolerance", tolerance, 0.02, 1)
        self.first = None if first is None else number("first", first, low, high)
        self.max_trials = whole("max_trials", max_trials, 2, 1000)
        self._votes: dict[float, list[bool]] = {}

    def next_trial(self) -> float | None:
        """The value to try next, the same until it is reported; None when the search is over."""
        made = sum(map(len, self._votes.values()))
        if not made and self.first is not None:
            return self.first
        return None if made >= self.max_trials else self._wanted()

    def report(self, value: float, passed: bool) -> Bracket:
        """Take the outcome of the trial that `next_trial` named. Raises ValueError for any other value."""
        if value != self.next_trial():
            raise ValueError(f"a trial at {value!r} was reported; expected: {self.next_trial()!r}")
        self._votes.setdefault(value, []).append(passed)
        return self.result

    @property
    def result(self) -> Bracket:
        """What is known so far."""
        lower, upper = self._ends()
        tried = [end if end in self._votes else None for end in (lower, upper)]
        return Bracket(tried[0], tried[1], bool(self._votes) and self._wanted() is None)

    def _wanted(self) -> float | None:
        lower, upper = self._ends()
        if lower is not None and upper is not None and not self._close(lower, upper):
            return _said(math.sqrt(lower * upper))
        ends = [end for end in (lower, upper) if end is not None]
        return next((end for end in ends if not self._decided(end)), None)

    def _close(self, lower: float, upper: float) -> bool:
        return upper <= lower * (1 + self.tolerance) * (1 + ROUNDING)

    def _ends(self) -> tuple[float | None, float | None]:
        """The highest that passed, and above it the lowest that failed.

        While nothing is known of `low` or `high` they stand for it; None where that failed, or passed.
        """
        passed = {value: self._passed(value) for value in self._votes}
        good = [value for value, held in passed.items() if held]
        failed = [value for value, held in passed.items() if not held]
        lower = max(good, default=None if self.low in passed else self.low)
        return lower, min(failed, default=None if self.high in passed else self.high)

    def _passed(self, value: float) -> bool:
        votes = self._votes[value]
        return sum(votes) * 2 > len(votes)

    def _decided(self, value: float) -> bool:
        votes = self._votes.get(value, [])
        return max(votes.count(True), votes.count(False)) >= CONFIRMED


def _said(value: float) -> float:
    return float(f"{value:.3g}")
