"""`global-concurrency`: at most n tool calls run at once in this origin; the next is refused with 503."""

from __future__ import annotations

from fakes.protections.gate import Ended, RefusedError


class GlobalConcurrency:
    """One count for the whole process."""

    name = "global-concurrency"

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.running = 0

    def enter(self, user: str, upstream: str) -> None:
        """Take a permit; raises `RefusedError` when all are out."""
        if self.running >= self.limit:
            raise RefusedError("global_concurrency_exceeded", f"{self.limit} calls are running", 1)
        self.running += 1

    def leave(self, ticket: None, ended: Ended) -> None:
        """Give the permit back."""
        self.running -= 1
