"""The plan's limiter of a user's calls, as its code has it: a channel of n places a user, in a map.

    Acquire(user)  a place of the user's channel, or false where all are taken
    Release(user)  takes one out again, and waits where there is none; it has the next that is taken
    handler        `defer Release(user)` stands before Acquire is asked, so a refused call releases too

What follows: a refused call's Release gives away a place that another call holds, so one more gets in. There
are as many Releases too many as there were refusals; each waits, and its caller's answer with it, until a
later call brings a place, or for ever. A user's channel stays in the map for good.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field


@dataclass(slots=True)
class Channel:
    """`taken` places, or Releases that `wait`; never both. One whose caller is gone waits on."""

    taken: int = 0
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)


class UserChannels:
    """A channel of `places` for every user that ever called."""

    def __init__(self, places: int) -> None:
        self.places = places
        self.by_user: dict[str, Channel] = {}

    def acquire(self, user: str) -> bool:
        """A place for a call; one that is waited for is gone at once."""
        channel = self.by_user.setdefault(user, Channel())
        if channel.waiting:
            released = channel.waiting.popleft()
            if not released.done():
                released.set_result(None)
            return True
        if channel.taken >= self.places:
            return False
        channel.taken += 1
        return True

    def release(self, user: str) -> asyncio.Future[None] | None:
        """Take a place out; where there is none, what ends when one comes."""
        channel = self.by_user[user]
        if channel.taken:
            channel.taken -= 1
            return None
        channel.waiting.append(asyncio.get_running_loop().create_future())
        return channel.waiting[-1]

    def blocked(self) -> int:
        """Releases that wait."""
        return sum(len(channel.waiting) for channel in self.by_user.values())
