"""`adaptive-concurrency`: a limit on the calls at once to each upstream, which finds its own height.

Additive increase, multiplicative decrease, as TCP and Netflix's concurrency-limits do: a success in time
lifts the limit by 1 ÷ limit where at least half of it is used, so by about one in the time of a call; a
failure, an upstream that the call did not wait for to its end, or an answer that took more than `slow` times
the usual, lowers it to `backoff` of it, once in the usual time at most. A call that its upstream never heard
of teaches nothing. It stays between `least` and `most` and begins at `begin`. The usual time is that of
successes, the last ones counting most. What comes beyond the limit is refused with 503.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from fakes.http.reasons import RefusedError
from fakes.protections.gate import CallEnd, Clock, MakeGate
from fakes.settings import StackSettings

NAME: Final = "adaptive-concurrency"
WEIGHT: Final = 0.05  # of the last success in the usual time


class UpstreamLimit:
    """The limit of one upstream."""

    def __init__(self, begin: float) -> None:
        self.limit = begin
        self.running = 0
        self.usual = 0.0  # seconds; 0 before any success
        self.lowered = float("-inf")  # when that was last


class AdaptivePermit(NamedTuple):
    """An admitted call."""

    of: UpstreamLimit
    began: float


class AdaptiveConcurrency:
    """One limit an upstream, made at first sight."""

    name = NAME

    def __init__(self, settings: StackSettings, clock: Clock) -> None:
        self._clock = clock
        self.by_upstream: dict[str, UpstreamLimit] = {}
        self.configure(settings)

    def configure(self, settings: StackSettings) -> None:
        """Other bounds, from the next end of a call on."""
        self._own = settings.protections[NAME]

    def forget(self) -> None:
        """Begin anew; calls in flight leave the limits that they entered."""
        self.by_upstream.clear()

    def enter(self, user: str, upstream: str) -> AdaptivePermit:
        """Take a permit of the upstream; raises `RefusedError` when all are out."""
        limit = self.by_upstream.get(upstream)
        if limit is None:
            limit = self.by_upstream[upstream] = UpstreamLimit(self._own["begin"])
        if limit.running >= int(limit.limit):
            told = f"{limit.running} calls of {upstream} are running"
            raise RefusedError("adaptive_concurrency_exceeded", told, 1)
        limit.running += 1
        return AdaptivePermit(limit, self._clock())

    def leave(self, ticket: AdaptivePermit, ended: CallEnd) -> None:
        """Give the permit back, and learn from how long the call took."""
        limit = ticket.of
        if ended is not CallEnd.NOT_ASKED:
            self._learn(limit, ticket.began, ended)
        limit.running -= 1

    def _learn(self, limit: UpstreamLimit, began: float, ended: CallEnd) -> None:
        now = self._clock()
        took = now - began
        if ended is CallEnd.OK and took <= self._own["slow"] * (limit.usual or took):
            if limit.running >= limit.limit / 2:
                limit.limit = min(limit.limit + 1 / limit.limit, self._own["most"])
        elif now - limit.lowered >= limit.usual:
            limit.limit = max(limit.limit * self._own["backoff"], self._own["least"])
            limit.lowered = now
        if ended is CallEnd.OK:
            limit.usual = took if not limit.usual else limit.usual + WEIGHT * (took - limit.usual)


PROTECTION: Final[MakeGate] = AdaptiveConcurrency
