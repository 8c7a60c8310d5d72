"""The balancer's mind, without I/O: what it believes of each origin, and its state.

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
class Belief:
    """What checks told of one origin; `row` is the length of the latest run of equal verdicts."""

    health: Health = "up"
    passing: bool = True
    row: int = 0


class LbState:
    """The machine and the two beliefs. `log(t, name, detail)` hears every change."""

    def __init__(self, log: Callable[[float, str, dict[str, Any]], None]) -> None:
        self._log = log
        self._now = self._since = 0.0
        self._turn = 0
        self.machine = Machine(TABLE, "primary", self._changed)
        self.origins: dict[Origin, Belief] = {A: Belief(), B: Belief()}

    @property
    def state(self) -> str:
        """primary, failing-over, split or recovering."""
        return self.machine.state

    def checked(self, origin: Origin, outcome: Outcome, settings: BalancerSettings, now: float) -> None:
        """A health check of an origin is over."""
        belief = self.origins[origin]
        passing = outcome == "pass"
        belief.row = belief.row + 1 if passing == belief.passing else 1
        belief.passing = passing
        self._believe(origin, belief, _health(belief, outcome, settings), now)
        if origin == A:
            self._fire("a-up" if belief.health == "up" else "a-down", now)
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

    def _believe(self, origin: Origin, belief: Belief, health: Health, now: float) -> None:
        if health != belief.health:
            self._log(now, "health", {"origin": origin, "from": belief.health, "to": health})
            belief.health = health

    def _fire(self, event: str, now: float) -> None:
        if self.machine.can(event):
            self._now = now
            self.machine.fire(event)

    def _changed(self, before: str, after: str) -> None:
        self._since = self._now
        self._log(self._now, "lb", {"from": before, "to": after})


def _health(belief: Belief, outcome: Outcome, settings: BalancerSettings) -> Health:
    if belief.passing:
        known = belief.row >= settings.successes_to_up
        return "up" if known or belief.health == "up" else "unhealthy"
    if belief.row < settings.failures_to_down:
        return "unhealthy" if belief.health == "dead" and outcome == "fail" else belief.health
    return "dead" if outcome == "silent" else "unhealthy"
