"""`load-shedding`: a request is turned away at the door while those before it wait too long for CPU.

By the queue's delay, as CoDel does: a queue that was longer than `target` seconds for `interval` seconds on
end is a standing one, no burst. From then on whoever would wait longer than `target` is refused with 503,
until one comes that would not. A refused request costs the share `cost` of a whole one's CPU: an assumption.
"""

from __future__ import annotations

from typing import Final

from fakes.protections.gate import Clock
from fakes.settings import StackSettings

NAME: Final = "load-shedding"


class LoadShedding:
    """Of one instance. The clock gives monotonic seconds."""

    def __init__(self, settings: StackSettings, clock: Clock) -> None:
        self._clock = clock
        self._above: float | None = None  # since when the queue was too long
        self.configure(settings)

    def configure(self, settings: StackSettings) -> None:
        """Other bounds."""
        own = settings.protections[NAME]
        self._target, self._interval = own["target"], own["interval"]

    def forget(self) -> None:
        """What was learnt of the queue."""
        self._above = None

    def admits(self, delay: float) -> bool:
        """Whether a request that would wait `delay` seconds may come in."""
        if delay <= self._target:
            self._above = None
            return True
        now = self._clock()
        if self._above is None:
            self._above = now
        return now - self._above < self._interval
