"""`breaker`: an upstream that keeps failing is left alone for a while.

A table per upstream. `failures` failures in a row within `window` seconds trip it: calls are refused
with 503 for `open_for` seconds, then `probes` calls may try; if all of them succeed it closes, and
the first that fails opens it again. A success in state closed forgets the failures before it.
An abandoned call is no evidence, nor is one that never reached its upstream, and a probe's place is free
again (`fakes.origin.tool_call` says which are).
Results of calls admitted before the last change of state are ignored.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from fakes.http.reasons import RefusedError
from fakes.protections.gate import CallEnd, MakeGate
from fakes.settings import StackSettings
from fakes.state_machine import Machine, Table

TABLE: Final[Table] = {
    ("closed", "trip"): "open",
    ("open", "cool"): "half-open",
    ("half-open", "trip"): "open",
    ("half-open", "heal"): "closed",
}
Ticket = tuple["Breaker", int]


@dataclass(frozen=True, slots=True)
class BreakerLimits:
    """When to open and for how long; times in seconds."""

    failures: int
    window: float
    open_for: float
    probes: int

    @classmethod
    def of(cls, settings: StackSettings) -> BreakerLimits:
        """As the settings have them."""
        origin = settings.origin
        return cls(origin.breaker_failures, origin.breaker_window, origin.breaker_open, origin.breaker_probes)


class Breaker:
    """The breaker of one upstream. `clock` gives monotonic seconds."""

    def __init__(self, limits: BreakerLimits, clock: Callable[[], float]) -> None:
        self.limits = limits
        self._clock = clock
        self._machine = Machine(TABLE, "closed")
        self._generation = 0
        self._failures: deque[float] = deque()
        self._opened = 0.0
        self._probing = 0
        self._healed = 0

    @property
    def state(self) -> str:
        """The state now: an open breaker whose time is over is half-open."""
        if self._machine.state == "open" and self._clock() >= self._opened + self.limits.open_for:
            self._fire("cool")
        return self._machine.state

    def enter(self) -> Ticket:
        """Admit a call; raises `RefusedError` when open, or half-open with all probes out."""
        state = self.state
        if state == "open":
            left = self._opened + self.limits.open_for - self._clock()
            raise RefusedError("breaker_open", "the upstream keeps failing", left)
        if state == "half-open":
            if self._probing + self._healed >= self.limits.probes:
                raise RefusedError("breaker_open", "the upstream is being tried", 1)
            self._probing += 1
        return self, self._generation

    def leave(self, ticket: Ticket, ended: CallEnd) -> None:
        """Note the result of a call that this state admitted."""
        if ticket[1] != self._generation:
            return
        if self._machine.state == "closed":
            self._count(ended)
        else:
            self._probed(ended)

    def _count(self, ended: CallEnd) -> None:
        now = self._clock()
        if ended is CallEnd.OK:
            self._failures.clear()
        elif ended is CallEnd.FAILED:
            self._failures.append(now)
            while self._failures[0] < now - self.limits.window:
                self._failures.popleft()
            if len(self._failures) >= self.limits.failures:
                self._fire("trip")

    def _probed(self, ended: CallEnd) -> None:
        self._probing -= 1
        if ended is CallEnd.FAILED:
            self._fire("trip")
        elif ended is CallEnd.OK:
            self._healed += 1
            if self._healed >= self.limits.probes:
                self._fire("heal")

    def _fire(self, event: str) -> None:
        self._machine.fire(event)
        self._generation += 1
        self._failures.clear()
        self._opened = self._clock()
        self._probing = self._healed = 0


class Breakers:
    """The protection: one breaker an upstream, made at first sight."""

    name = "breaker"

    def __init__(self, settings: StackSettings, clock: Callable[[], float]) -> None:
        self.limits = BreakerLimits.of(settings)
        self._clock = clock
        self.by_upstream: dict[str, Breaker] = {}

    def enter(self, user: str, upstream: str) -> Ticket:
        """Ask the upstream's breaker."""
        breaker = self.by_upstream.get(upstream)
        if breaker is None:
            breaker = self.by_upstream[upstream] = Breaker(self.limits, self._clock)
        return breaker.enter()

    def leave(self, ticket: Ticket, ended: CallEnd) -> None:
        """Tell the breaker that admitted the call."""
        ticket[0].leave(ticket, ended)

    def configure(self, settings: StackSettings) -> None:
        """New limits for every breaker, in the state it is in."""
        self.limits = BreakerLimits.of(settings)
        for breaker in self.by_upstream.values():
            breaker.limits = self.limits

    def forget(self) -> None:
        """Begin anew; calls in flight leave the breakers that they entered."""
        self.by_upstream.clear()


PROTECTION: Final[MakeGate] = Breakers
