"""A clock that moves only when told to, and a sleep that moves it."""

from __future__ import annotations

from collections.abc import Callable


class ManualClock:
    """Call it for the time; `sleep` advances it and then runs what `whenever` registered."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now
        self.slept: list[float] = []
        self._actions: list[tuple[float, Callable[[], None]]] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        due = [action for at, action in self._actions if at <= self.now]
        self._actions = [entry for entry in self._actions if entry[0] > self.now]
        for action in due:
            action()

    def at(self, moment: float, action: Callable[[], None]) -> None:
        """Run `action` once a sleep has reached `moment`."""
        self._actions.append((moment, action))
