"""`user-concurrency`: at most n tool calls of one user run at once; the next is refused with 429."""

from __future__ import annotations

from typing import Final

from fakes.http.reasons import RefusedError
from fakes.protections.gate import CallEnd, Clock, MakeGate
from fakes.settings import StackSettings


class UserConcurrency:
    """Permits by user. A user without a call in flight takes no memory."""

    name = "user-concurrency"

    def __init__(self, settings: StackSettings, clock: Clock) -> None:
        self.running: dict[str, int] = {}
        self.configure(settings)

    def configure(self, settings: StackSettings) -> None:
        """Another limit."""
        self.limit = settings.origin.user_concurrency

    def forget(self) -> None:
        """Permits are all that there is."""

    def enter(self, user: str, upstream: str) -> str:
        """Take one of the user's permits; raises `RefusedError` when all are out."""
        count = self.running.get(user, 0)
        if count >= self.limit:
            raise RefusedError("user_concurrency_exceeded", f"{self.limit} calls of this user are running", 1)
        self.running[user] = count + 1
        return user

    def leave(self, ticket: str, ended: CallEnd) -> None:
        """Give the permit back."""
        count = self.running.pop(ticket)
        if count > 1:
            self.running[ticket] = count - 1


PROTECTION: Final[MakeGate] = UserConcurrency
