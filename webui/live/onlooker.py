"""Whoever looks at the run of now. Its files are read when somebody does, as far as they are new."""

from __future__ import annotations

from typing import Any, Final

import gevent
from gevent.lock import BoundedSemaphore

from run.attack import Attack
from webui.live.curves import Curves, bin_width
from webui.live.moment import Leading, Moment, snapshot
from webui.live.target_rows import TargetRows

GOING: Final = "a run is under way, allowed: when it is over"


class Onlooker:
    """One for all pages of the process; greenlets read in turn."""

    def __init__(self, leader: Leading) -> None:
        self._leader = leader
        self._attack: Attack | None = None
        self._target: TargetRows | None = None
        self._curves: Curves | None = None
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
            if self._target is None:
                return []
            self._target.read()
            return self._target.rows()

    def curves(self, drawn: str = "") -> dict[str, Any] | None:
        """The curves of the run; None without one, or when they are those of the key `drawn`."""
        with self._turn:
            self._turn_to(self._leader.attack)
            if self._attack is None or self._target is None or self._curves is None:
                return None
            over = self._attack.done.is_set()  # before reading: what is read then is all
            self._target.read()
            self._curves.read()
            return None if self._curves.key(over) == drawn else self._curves.shown(over)

    def _turn_to(self, attack: Attack | None) -> None:
        if attack is self._attack or attack is None:
            return
        self._attack, scenario = attack, attack.scenario
        self._target = TargetRows(attack.dir, bin_width(scenario.duration))
        self._curves = Curves(
            attack.dir, scenario.duration, scenario.phases, self._target, lambda: gevent.sleep(0)
        )
