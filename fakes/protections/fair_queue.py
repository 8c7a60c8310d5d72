"""`fair-queue`: each user has a fair share of the calls at once, in place of one limit for all.

A user's share is `limit` ÷ the users who asked within the last `burst` seconds. It is a bucket of call
seconds that fills at that rate and holds `burst` seconds of it: a call takes as many as its upstream's calls
last, and pays or gets back the difference when it is over. While less than `spare` of the limit is taken
nobody is refused. Above, the fuller the limit the fuller a bucket has to be, so that the last permits are for
those who asked for little; whoever has less is refused with 429. Nobody waits here: a queue would hold the
goroutines that this is about.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from fakes.http.reasons import RefusedError
from fakes.protections.gate import CallEnd, Clock, MakeGate
from fakes.settings import StackSettings

NAME: Final = "fair-queue"
FIRST_GUESS: Final = 1.0  # seconds that a call lasts, before any was seen
WEIGHT: Final = 0.2  # of the last call in what they last


class FairPermit(NamedTuple):
    """What an admitted call paid, and since when it runs."""

    user: str
    upstream: str
    paid: float
    began: float


class FairQueue:
    """Shares of one process."""

    name = NAME

    def __init__(self, settings: StackSettings, clock: Clock) -> None:
        self._clock = clock
        self.running = 0
        self.configure(settings)
        self.forget()

    def configure(self, settings: StackSettings) -> None:
        """Another limit."""
        own = settings.protections[NAME]
        self._limit, self._spare, self._burst = own["limit"], own["spare"], own["burst"]

    def forget(self) -> None:
        """All accounts; permits stay."""
        self._seconds: dict[str, float] = {}  # what a call of an upstream lasts
        self._left: dict[str, float] = {}  # call seconds of a user
        self._asked: dict[str, float] = {}  # when a user asked last
        self._swept = self._clock()

    @property
    def share(self) -> float:
        """Calls at once that a user may have on average."""
        return self._limit / max(len(self._asked), 1)

    def enter(self, user: str, upstream: str) -> FairPermit:
        """Take a permit; raises `RefusedError` where the user had more than the share, or none is left."""
        now = self._clock()
        left = self._refilled(user, now)
        if self.running >= self._limit or left < self._needed():
            raise RefusedError("fair_share_exceeded", f"a share is {self.share:.1f} calls", 1)
        paid = self._seconds.get(upstream, FIRST_GUESS)
        self._left[user] = left - paid
        self.running += 1
        return FairPermit(user, upstream, paid, now)

    def _needed(self) -> float:
        """Call seconds that a user must have left to be let in now."""
        taken = self.running / self._limit
        if taken < self._spare:
            return float("-inf")
        return (taken - self._spare) / (1 - self._spare) * self._burst * self.share

    def leave(self, ticket: FairPermit, ended: CallEnd) -> None:
        """Give the permit back, and settle what the call really took."""
        took = self._clock() - ticket.began
        self.running -= 1
        if ticket.user in self._left:
            self._left[ticket.user] += ticket.paid - took
        if ended is CallEnd.OK:
            before = self._seconds.get(ticket.upstream, took)
            self._seconds[ticket.upstream] = before + WEIGHT * (took - before)

    def _refilled(self, user: str, now: float) -> float:
        """The user's call seconds now; one who is new begins with half of what a bucket holds."""
        self._sweep(now)
        since = now - self._asked.get(user, now)
        self._asked[user] = now
        share = self.share
        left = self._left.get(user, self._burst * share / 2)
        self._left[user] = left = min(left + since * share, self._burst * share)
        return left

    def _sweep(self, now: float) -> None:
        """Forget who has not asked for `burst` seconds; once a second."""
        if now - self._swept < 1.0:
            return
        self._swept = now
        for user in [user for user, asked in self._asked.items() if now - asked > self._burst]:
            del self._asked[user], self._left[user]


PROTECTION: Final[MakeGate] = FairQueue
