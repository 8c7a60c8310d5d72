"""`global-concurrency`: at most n tool calls run at once in this origin; the next is refused with 503."""

from __future__ import annotations

from typing import Final

from fakes.http.reasons import RefusedError
from fakes.protections.gate import CallEnd, Clock, MakeGate
from fakes.settings import StackSettings


class GlobalConcurrency:
    """One count for the whole process."""

    name = "global-concurrency"

    def __init__(self, settings: StackSettings, clock: Clock) -> None:
        self.running = 0
        self.configure(settings)

    def configure(self, settings: StackSettings) -> None:
        """Another limit."""
        self.limit = settings.origin.global_concurrency

    def forget(self) -> None:
        """Permits are all that there is."""

    def enter(self, user: str, upstream: str) -> None:
        """Take a permit; raises `RefusedError` when all are out."""
        if self.running >= self.limit:
            raise RefusedError("global_concurrency_exceeded", f"{self.limit} calls are running", 1)
        self.running += 1

    def leave(self, ticket: None, ended: CallEnd) -> None:
        """Give the permit back."""
        self.running -= 1


PROTECTION: Final[MakeGate] = GlobalConcurrency
