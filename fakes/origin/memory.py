"""The origin's own memory of its users and upstreams: rate windows and gates. A killed nano loses it.

The gates in force are a tuple in their order, remade when protections change; a call keeps the tuple
it started with. All gates exist all the time, so one that is switched off and on again still counts
the calls that it admitted before.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from fakes.protections.breaker import Breakers, Limits
from fakes.protections.gate import Gate
from fakes.protections.global_concurrency import GlobalConcurrency
from fakes.protections.rate_limit import RateLimit
from fakes.protections.user_concurrency import UserConcurrency
from fakes.settings import OriginSettings

Clock = Callable[[], float]


class OriginMemory:
    """`in_force` are the gates of a tool call; `limiter` counts requests. Clocks in seconds."""

    def __init__(
        self, settings: OriginSettings, protections: Collection[str], monotonic: Clock, wall: Clock
    ) -> None:
        self._settings, self._protections = settings, protections
        self._monotonic, self._wall = monotonic, wall
        self.clear()

    def clear(self) -> None:
        """As after a start. Calls in flight leave the gates that they entered, not the new ones."""
        settings = self._settings
        self.limiter = RateLimit(settings.rate_window, settings.tiers, self._wall)
        self.users = UserConcurrency(settings.user_concurrency)
        self.all = GlobalConcurrency(settings.global_concurrency)
        self.breakers = Breakers(_limits(settings), self._monotonic)
        self._select()

    def forget(self) -> None:
        """Forget windows and failures, but not the permits of calls in flight."""
        self.limiter = RateLimit(self._settings.rate_window, self._settings.tiers, self._wall)
        self.breakers = Breakers(_limits(self._settings), self._monotonic)
        self._select()

    def configure(self, settings: OriginSettings, protections: Collection[str]) -> None:
        """New limits and another choice of gates, from the next call on."""
        self._settings, self._protections = settings, protections
        self.limiter.configure(settings.rate_window, settings.tiers)
        self.users.limit = settings.user_concurrency
        self.all.limit = settings.global_concurrency
        self.breakers.configure(_limits(settings))
        self._select()

    def _select(self) -> None:
        gates: tuple[Gate, ...] = (self.users, self.all, self.breakers)
        self.in_force = tuple(gate for gate in gates if gate.name in self._protections)


def _limits(settings: OriginSettings) -> Limits:
    return Limits(
        settings.breaker_failures, settings.breaker_window, settings.breaker_open, settings.breaker_probes
    )
