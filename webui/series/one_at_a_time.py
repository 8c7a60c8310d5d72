"""One thing at a time has this machine: a run, a series of runs, a comparison.

A run beside another one, or beside what a comparison computes, would be judged by the CPU of the other.
"""

from __future__ import annotations

from collections.abc import Callable

Busy = Callable[[], str]


class OneAtATime:
    """Whoever may have it says so: why nothing else can start, as one line; "" when it can."""

    def __init__(self) -> None:
        self._holders: list[Busy] = []

    def add(self, holder: Busy) -> None:
        """One more that may have it."""
        self._holders.append(holder)

    def busy(self) -> str:
        """Why nothing can start now, "" when it can."""
        return next(filter(None, (holder() for holder in self._holders)), "")
