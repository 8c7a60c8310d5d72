"""Calls that go on without their callers: which, and for how many seconds in sum."""

from __future__ import annotations

import time
from collections.abc import Callable

from fakes.origin.streams import Call


class Orphans:
    """`clock` gives monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._left: dict[Call, float] = {}  # when its caller left
        self._over = 0.0

    def __contains__(self, call: object) -> bool:
        return call in self._left

    def add(self, call: Call) -> None:
        """Its caller left now."""
        self._left[call] = self._clock()
        call.add_done_callback(self._ended)

    def _ended(self, call: Call) -> None:
        self._over += self._clock() - self._left.pop(call)

    @property
    def seconds(self) -> float:
        """Of those that ended, and of those under way up to now."""
        return self._over + sum(self._clock() - since for since in self._left.values())
