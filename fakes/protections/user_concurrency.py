"""`user-concurrency`: at most n tool calls of one user run at once; the next is refused with 429.

`origin.user_limiter` says whose code counts:
    mended      this one: a count a user, given back by the calls that took it; a user without a call in
                flight takes no memory
    as-written  the plan's, with what is wrong with it (`fakes.protections.user_channels`)
"""

from __future__ import annotations

import asyncio
from typing import Final

from fakes.http.reasons import RefusedError
from fakes.protections.gate import CallEnd, Clock, MakeGate
from fakes.protections.user_channels import UserChannels
from fakes.settings import StackSettings

Ticket = tuple[str, UserChannels | None]


class UserConcurrency:
    """Calls by user, whoever limits them; `channels` are the plan's, where its code does."""

    name = "user-concurrency"

    def __init__(self, settings: StackSettings, clock: Clock) -> None:
        self.running: dict[str, int] = {}
        self.peak = 0
        self.channels: UserChannels | None = None
        self.configure(settings)

    def configure(self, settings: StackSettings) -> None:
        """Another limit, or another's code: the plan's then begins with new channels."""
        self.limit = settings.origin.user_concurrency
        as_written = settings.origin.user_limiter == "as-written"
        if not as_written:
            self.channels = None
        elif self.channels is None or self.channels.places != self.limit:
            self.channels = UserChannels(self.limit)

    def forget(self) -> None:
        """The peak begins anew, and so do the plan's channels; permits stay."""
        self.peak = max(self.running.values(), default=0)
        self.channels = self.channels and UserChannels(self.limit)

    def enter(self, user: str, upstream: str) -> Ticket:
        """Take one of the user's permits; raises `RefusedError` when all are out."""
        count = self.running.get(user, 0)
        if self.channels is None:
            admitted = count < self.limit
        elif not (admitted := self.channels.acquire(user)):
            self.channels.release(user)  # the refused call's own deferred one
        if not admitted:
            raise RefusedError("user_concurrency_exceeded", f"{self.limit} calls of this user are running", 1)
        self.running[user] = count + 1
        self.peak = max(self.peak, count + 1)
        return user, self.channels

    def leave(self, ticket: Ticket, ended: CallEnd) -> asyncio.Future[None] | None:
        """Give the permit back; what the call has to wait for, where the plan's code waits."""
        user, channels = ticket
        count = self.running.pop(user)
        if count > 1:
            self.running[user] = count - 1
        return channels.release(user) if channels else None

    def kept(self) -> int:
        """Users of whom something is kept."""
        return len(self.running) if self.channels is None else len(self.channels.by_user)

    def blocked(self) -> int:
        """Calls that are over and wait to give their permit back."""
        return 0 if self.channels is None else self.channels.blocked()


PROTECTION: Final[MakeGate] = UserConcurrency
