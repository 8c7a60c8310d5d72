"""`rate-limit`: requests per fixed window and user, by plan, counted in this origin's memory.

Windows are aligned to the Unix epoch, so all origins turn at once. An origin knows of the others'
requests only what the last sync told it: `dirty` is what it has to tell, `learn` takes the answer.
A refused request is not counted. −1 is no limit; its requests are not counted either.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Decision:
    """One request's answer. `reset` is Unix seconds, `retry_after` whole seconds; limit −1: none."""

    allowed: bool
    limit: int
    remaining: int
    reset: int
    retry_after: int


class RateLimit:
    """Counts of the current window. `wall` gives Unix seconds, `window` is in seconds."""

    name = "rate-limit"

    def __init__(self, window: float, tiers: Mapping[str, int], wall: Callable[[], float]) -> None:
        self.window = window
        self.tiers = tiers
        self._wall = wall
        self._index = -1
        self.own: dict[str, int] = {}
        self.others: dict[str, int] = {}
        self._told: dict[str, int] = {}

    def take(self, user: str, tier: str) -> Decision:
        """Admit and count one request, or refuse it. An unknown tier is taken for unlimited."""
        now = self._wall()
        self._turn(now)
        end = (self._index + 1) * self.window
        reset, wait = math.ceil(end), max(1, math.ceil(end - now))
        limit = self.tiers.get(tier, -1)
        if limit < 0:
            return Decision(True, -1, -1, reset, wait)
        used = self.own.get(user, 0) + self.others.get(user, 0)
        if used >= limit:
            return Decision(False, limit, 0, reset, wait)
        self.own[user] = self.own.get(user, 0) + 1
        return Decision(True, limit, limit - used - 1, reset, wait)

    def unlimited(self) -> Decision:
        """The answer to a request that is not limited at all, and not counted."""
        self._turn(self._wall())
        return Decision(True, -1, -1, math.ceil((self._index + 1) * self.window), 1)

    def configure(self, window: float, tiers: Mapping[str, int]) -> None:
        """New limits from the next request on; another window length begins a new window."""
        if window != self.window:
            self._index = -1
        self.window, self.tiers = window, tiers

    def _turn(self, now: float) -> None:
        index = int(now // self.window)
        if index != self._index:
            self._index = index
            self.own, self.others, self._told = {}, {}, {}

    def dirty(self) -> tuple[int, dict[str, int]]:
        """The window's number and the counts that changed since the last call of `told`."""
        self._turn(self._wall())
        return self._index, {user: n for user, n in self.own.items() if self._told.get(user) != n}

    def learn(self, index: int, told: Mapping[str, int], others: Mapping[str, int]) -> None:
        """What a sync of window `index` wrote and read; a window that has passed teaches nothing."""
        if index == self._index:
            self._told.update(told)
            self.others = dict(others)
