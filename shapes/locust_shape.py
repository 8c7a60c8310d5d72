"""The adapter to Locust: a constant number of users, for ever.

A Locust user is an account that idles; arrivals come from the schedule. So `tick` never changes its answer
and never returns None, which would make Locust quit and lose the last reports.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shapes.base import whole


def tick(accounts: int) -> tuple[int, float]:
    """(users, users spawned a second): all accounts, within a second. Raises ValueError below 1."""
    return whole("accounts", accounts, 1, 10_000_000), float(accounts)


def shape_class(accounts: Callable[[], int]) -> Any:
    """A `LoadTestShape` class whose `tick` asks `accounts` for the number of users, each time.

    Locust is imported here alone, and only when this is called: its import patches the sockets.
    """
    from locust import LoadTestShape

    class AllAccounts(LoadTestShape):
        """All accounts at once, until the run's own end."""

        def tick(self) -> tuple[int, float]:
            """See `shapes.locust_shape.tick`."""
            return tick(accounts())

    return AllAccounts
