"""Whoever looks at the run of now. Its files are read when somebody does, as far as they are new."""

from __future__ import annotations

from typing import Any, Final

from gevent.lock import BoundedSemaphore

from run.attack import Attack
from webui.live.moment import Leading, Moment, snapshot
from webui.live.watched_run import WatchedRun

GOING: Final = "a run is under way, allowed: when it is over"


class Onlooker:
    """One for all pages of the process; greenlets read in turn."""

    def __init__(self, leader: Leading) -> None:
        self._leader = leader
        self._attack: Attack | None = None
        self._watched: WatchedRun | None = None
        self._turn = BoundedSemaphore()

    def moment(self) -> Moment:
        """The state of now."""
        return snapshot(self._leader.attack)

    def busy(self) -> str:
        """Why nothing else can have the machine now, as one line; "" when it can."""
        return GOING if self.moment().going else ""

    def target(self) -> list[dict[str, Any]]:
        """A row a source; none without a run."""
        with self._turn:
            self._turn_to(self._leader.attack)
            return self._watched.rows() if self._watched else []

    def curves(self, drawn: str = "") -> dict[str, Any] | None:
        """The curves of the run; None without one, or when they are those of the key `drawn`."""
        with self._turn:
            self._turn_to(self._leader.attack)
            if self._attack is None or self._watched is None:
                return None
            return self._watched.curves(self._attack.done.is_set(), drawn)

    def _turn_to(self, attack: Attack | None) -> None:
        if attack is not self._attack and attack is not None:
            self._attack, scenario = attack, attack.scenario
            self._watched = WatchedRun(attack.dir, scenario.duration, scenario.phases)
