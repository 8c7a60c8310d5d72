"""The frontier between what a system comes back from and what it does not: load against a trigger's length.

A state machine without clock or load: `next_trial` names a point, the caller tries it and `report`s whether
the system came back. It assumes what queues do: more load, or a longer trigger, never helps.

    length
      │ ░░░░╲▓▓▓▓▓▓▓▓●  the corner: highest load, longest trigger. If it comes back from that, twice, it
      │ ░░░░░╲▓▓▓▓▓▓▓│  does from everything here, and there is no such state
      │ ░░░░░░╲▓▓▓▓▓▓│
      │ ░░░░░░░╲─▓▓▓▓│  otherwise a bisection along each line: the load at each length that is given, the
      │ ░░░░░░░░░╲───│  length at each load, both ends of each bracket confirmed (`shapes.frontier.bisection`)
      └───────────────▶ load

A search is carried on by what is `known`: whichever line wants a point takes what was tried there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from shapes.base import number
from shapes.frontier.bisection import Bisection, Bracket

LOAD: Final = "load"
LENGTH: Final = "length"
Along = Literal["load", "length"]


class StormPoint(NamedTuple):
    """`load` as a share of what the system bears, `length` of the trigger in seconds."""

    load: float
    length: float


LOWEST: Final = StormPoint(0.1, 1.0)


def on(along: Along, at: float, value: float) -> StormPoint:
    """The point at `value` of a line along one axis, `at` being the other coordinate."""
    return StormPoint(value, at) if along == LOAD else StormPoint(at, value)


@dataclass(frozen=True)
class FrontierLine:
    """A bisection along one axis; `at` is the other coordinate. `ended`: it wants no more trials."""

    along: Along
    at: float
    found: Bracket
    ended: bool

    @property
    def down(self) -> StormPoint | None:
        """The least point along it from which the system did not come back."""
        return None if self.found.upper is None else on(self.along, self.at, self.found.upper)

    @property
    def middle(self) -> StormPoint | None:
        """A point of the frontier, between both ends of its bracket."""
        return None if self.found.middle is None else on(self.along, self.at, self.found.middle)


class Frontier:
    """A search over `loads` (shares) and `lengths` (seconds), at least one of each. Raises ValueError.

    `known`: trials of before, whether the system came back, in the order in which they were made.
    """

    def __init__(
        self,
        loads: Sequence[float],
        lengths: Sequence[float],
        *,
        lowest: StormPoint = LOWEST,
        tolerance: float = 0.1,
        known: Iterable[tuple[StormPoint, bool]] = (),
    ) -> None:
        self.loads = sorted((number("load", load, lowest.load, 1) for load in set(loads)), reverse=True)
        self.lengths = sorted(
            (number("length", one, lowest.length, 1e4) for one in set(lengths)), reverse=True
        )
        if not self.loads or not self.lengths:
            raise ValueError("a frontier needs a load and a length")
        self.lowest, self.tolerance = lowest, number("tolerance", tolerance, 0.02, 1)
        self._came_back: dict[StormPoint, list[bool]] = {}
        self._next: StormPoint | None = None
        for point, came_back in known:
            self._came_back.setdefault(StormPoint(*point), []).append(came_back)

    def next_trial(self) -> StormPoint | None:
        """The point to try next, the same until it is reported; None when the search is over."""
        if self._next is None:
            self._next = next((wanted for _, wanted in self._lines() if wanted is not None), None)
        return self._next

    def report(self, point: StormPoint, came_back: bool) -> None:
        """Take the outcome of the trial that `next_trial` named. Raises ValueError for any other point."""
        if point != self.next_trial():
            raise ValueError(f"a trial at {tuple(point)} was reported; expected: {self.next_trial()}")
        self._came_back.setdefault(point, []).append(came_back)
        self._next = None

    @property
    def lines(self) -> list[FrontierLine]:
        """The lines that were begun, in order."""
        return [line for line, _ in self._lines()]

    def _lines(self) -> Iterator[tuple[FrontierLine, StormPoint | None]]:
        """Each line in turn, with the trial that it wants; none after one that wants one."""
        done: list[FrontierLine] = []
        for along, at in self._plan():
            line, wanted = self._line(along, at, done)
            yield line, wanted
            if wanted is not None or (not done and line.found.upper is None):
                return
            done.append(line)

    def _plan(self) -> list[tuple[Along, float]]:
        """The two lines that meet in the corner first."""
        (longest, *lengths), (highest, *loads) = self.lengths, self.loads
        return [
            (LOAD, longest), (LENGTH, highest),
            *((LOAD, one) for one in lengths), *((LENGTH, one) for one in loads),
        ]  # fmt: skip

    def _line(
        self, along: Along, at: float, done: Sequence[FrontierLine]
    ) -> tuple[FrontierLine, StormPoint | None]:
        """Whichever line wants a point takes what was tried: its n-th trial is the n-th of each line."""
        low = self.lowest.load if along == LOAD else self.lowest.length
        high = self.loads[0] if along == LOAD else self.lengths[0]
        first = None if any(_beyond(on(along, at, high), line.down) for line in done) else high
        search = Bisection(low, high, tolerance=self.tolerance, first=first)
        heard: Counter[StormPoint] = Counter()
        while (value := search.next_trial()) is not None:
            point = on(along, at, value)
            outcomes = self._came_back.get(point, [])
            if heard[point] == len(outcomes):
                return FrontierLine(along, at, search.result, ended=False), point
            search.report(value, outcomes[heard[point]])
            heard[point] += 1
        return FrontierLine(along, at, search.result, ended=True), None


def _beyond(point: StormPoint, down: StormPoint | None) -> bool:
    """At least as much of both as where it did not come back."""
    return down is not None and point.load >= down.load and point.length >= down.length
