"""The state of the balancer and of the origins, without I/O.

    state         calls go to                      left when
    primary       A                                A's checks failed `failures_to_down` times in a row
    failing-over  A, as before                     `failing_over` s are over, or A is well again
    split         A and B in turn                  A's checks passed `successes_to_up` times in a row
    recovering    A and B in turn                  `recovering` s are over, or A fails again

A check passes with status 200. An origin that fails checks but *answers* them (503: it says itself
that it is not well) is `unhealthy` and still serves its share; one that gives no answer at all is
`dead` and gets nothing: with A dead, everything goes to B in every state. A dead origin that answers
again is unhealthy, then up. B's health never changes the state, which is about the primary.
Times are monotonic seconds, given by the caller.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

from fakes.settings import BalancerSettings
from fakes.state_machine import Machine, Table

Outcome = Literal["pass", "fail", "silent"]  # 200; any other answer; no answer
Health = Literal["up", "unhealthy", "dead"]
Origin = Literal["origin-a", "origin-b"]
A: Final = "origin-a"
B: Final = "origin-b"

TABLE: Final[Table] = {
    ("primary", "a-down"): "failing-over",
    ("failing-over", "settled"): "split",
    ("failing-over", "a-up"): "primary",
    ("split", "a-up"): "recovering",
    ("recovering", "settled"): "primary",
    ("recovering", "a-down"): "split",
}
_SPLITS: Final = ("split", "recovering")


@dataclass(slots=True)
class OriginHealth:
    """What checks told of one origin; `streak` is the length of the latest run of equal verdicts."""

    health: Health = "up"
    passing: bool = True
    streak: int = 0


class LbState:
    """The machine and the two origins. `log(t, name, detail)` hears every change."""

    def __init__(self, log: Callable[[float, str, dict[str, Any]], None]) -> None:
        self._log = log
        self._now = self._since = 0.0
        self._turn = 0
        self.machine = Machine(TABLE, "primary", self._changed)
        self.origins: dict[Origin, OriginHealth] = {A: OriginHealth(), B: OriginHealth()}

    @property
    def state(self) -> str:
        """primary, failing-over, split or recovering."""
        return self.machine.state

    def checked(self, origin: Origin, outcome: Outcome, settings: BalancerSettings, now: float) -> None:
        """A health check of an origin is over."""
        checked = self.origins[origin]
        passing = outcome == "pass"
        checked.streak = checked.streak + 1 if passing == checked.passing else 1
        checked.passing = passing
        self._set_health(origin, checked, _health(checked, outcome, settings), now)
        if origin == A:
            self._fire("a-up" if checked.health == "up" else "a-down", now)
        self.settle(settings, now)

    def settle(self, settings: BalancerSettings, now: float) -> None:
        """Leave a state whose time is over."""
        spans = {"failing-over": settings.failing_over, "recovering": settings.recovering}
        span = spans.get(self.state)
        if span is not None and now - self._since >= span:
            self._fire("settled", now)

    def route(self, settings: BalancerSettings, now: float) -> list[Origin]:
        """The origins to try, best first; empty when none is alive."""
        if self.state != "primary":
            self.settle(settings, now)
        order: list[Origin] = [A, B]
        if self.state in _SPLITS:
            self._turn ^= 1
            order = order if self._turn else [B, A]
        return [origin for origin in order if self.origins[origin].health != "dead"]

    def _set_health(self, origin: Origin, checked: OriginHealth, health: Health, now: float) -> None:
        if health != checked.health:
            self._log(now, "health", {"origin": origin, "from": checked.health, "to": health})
            checked.health = health

    def _fire(self, event: str, now: float) -> None:
        if self.machine.can(event):
            self._now = now
            self.machine.fire(event)

    def _changed(self, before: str, after: str) -> None:
        self._since = self._now
        self._log(self._now, "lb", {"from": before, "to": after})


def _health(checked: OriginHealth, outcome: Outcome, settings: BalancerSettings) -> Health:
    if checked.passing:
        known = checked.streak >= settings.successes_to_up
        return "up" if known or checked.health == "up" else "unhealthy"
    if checked.streak < settings.failures_to_down:
        return "unhealthy" if checked.health == "dead" and outcome == "fail" else checked.health
    return "dead" if outcome == "silent" else "unhealthy"
