"""What every schedule is: a pure function from an arrival's index to its offset in seconds.

No clock, no sleep, no state. Offsets are float64 seconds from the run's zero; rates are arrivals a
second. A schedule refuses what it cannot plan with a ValueError of one line.
"""

from __future__ import annotations

import math
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

MAX_ARRIVALS: Final = 20_000_000
MAX_RATE: Final = 1e9  # arrivals/s
MAX_DURATION: Final = 1e7  # seconds, about 115 days

Offsets = NDArray[np.float64]


class Shape(Protocol):
    """When each arrival of one group is planned."""

    @property
    def duration(self) -> float:
        """Seconds that the schedule lasts; no arrival is planned at it or after it."""

    @property
    def count(self) -> int:
        """How many arrivals there are: those whose offset is less than `duration`."""

    def offset(self, i: int) -> float:
        """Seconds from zero to arrival `i`, 0 ≤ i < count, non-decreasing. Raises IndexError."""

    def offsets(self) -> Offsets:
        """All offsets, shape (count,); each equals `offset(i)` to the last bit."""

    def rate(self, t: float) -> float:
        """Arrivals a second that are planned at `t` seconds; 0 outside the schedule."""


def number(name: str, value: object, low: float, high: float) -> float:
    """`value` as a float in [low, high]. Raises ValueError, also for NaN and for what is no number."""
    good = isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
    if not good:
        raise ValueError(f"{name} must be a number from {low:g} to {high:g}, not {value!r}")
    return float(value)  # type: ignore[arg-type]


def whole(name: str, value: object, low: int, high: int) -> int:
    """`value` as an int in [low, high]. Raises ValueError."""
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise ValueError(f"{name} must be a whole number from {low} to {high}, not {value!r}")
    return value


def check_rate(value: object) -> float:
    """A rate in arrivals/s. Raises ValueError."""
    return number("rate", value, 0, MAX_RATE)


def check_duration(value: object) -> float:
    """A duration in seconds. Raises ValueError."""
    return number("duration", value, 0, MAX_DURATION)


def check_count(expected: float) -> None:
    """Refuse a schedule of more than MAX_ARRIVALS. Raises ValueError."""
    if expected > MAX_ARRIVALS:
        raise ValueError(f"at most {MAX_ARRIVALS:,} arrivals can be planned, not {math.ceil(expected):,}")


def check_index(i: int, count: int) -> None:
    """Raises IndexError outside 0..count-1: a negative index never counts from the end."""
    if not 0 <= i < count:
        raise IndexError(f"arrival {i} is not one of the {count} planned")
