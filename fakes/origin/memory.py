"""The origin's own memory of its users and upstreams: rate windows and gates. A killed nano loses it.

The gates in force are a tuple in their order, remade when protections change; a call keeps the tuple
it started with. All gates exist all the time, so one that is switched off and on again still counts
the calls that it admitted before.
"""

from __future__ import annotations

from collections.abc import Collection

from fakes.protections.gate import Clock
from fakes.protections.load_shedding import LoadShedding
from fakes.protections.mechanism import tool_call_gates
from fakes.protections.rate_limit import RateLimit
from fakes.settings import StackSettings


class OriginMemory:
    """`in_force` are the gates of a tool call; `limiter` counts requests, `shedding` turns some away.

    Clocks in seconds.
    """

    def __init__(
        self, settings: StackSettings, protections: Collection[str], monotonic: Clock, wall: Clock
    ) -> None:
        self._settings, self._protections = settings, protections
        self._monotonic, self._wall = monotonic, wall
        self._make = tool_call_gates()
        self.clear()

    def clear(self) -> None:
        """As after a start. Calls in flight leave the gates that they entered, not the new ones."""
        self.limiter = self._new_limiter()
        self.shedding = LoadShedding(self._settings, self._monotonic)
        self.gates = {name: make(self._settings, self._monotonic) for name, make in self._make.items()}
        self._select()

    def forget(self) -> None:
        """Forget windows and failures, but not the permits of calls in flight."""
        self.limiter = self._new_limiter()
        self.shedding.forget()
        for gate in self.gates.values():
            gate.forget()

    def configure(self, settings: StackSettings, protections: Collection[str]) -> None:
        """New limits and another choice of gates, from the next call on."""
        self._settings, self._protections = settings, protections
        self.limiter.configure(settings.origin.rate_window, settings.origin.tiers)
        self.shedding.configure(settings)
        for gate in self.gates.values():
            gate.configure(settings)
        self._select()

    def _new_limiter(self) -> RateLimit:
        return RateLimit(self._settings.origin.rate_window, self._settings.origin.tiers, self._wall)

    def _select(self) -> None:
        self.in_force = tuple(gate for name, gate in self.gates.items() if name in self._protections)
