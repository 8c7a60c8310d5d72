"""The adapter to Locust: a constant number of users, for ever.

A Locust user is an account that idles; arrivals come from the schedule. So `tick` never changes its answer
and never returns None, which would make Locust quit and lose the last reports.
"""

from __future__ import annotations

from shapes.base import whole


def tick(accounts: int) -> tuple[int, float]:
    """(users, users spawned a second): all accounts, within a second. Raises ValueError below 1."""
    return whole("accounts", accounts, 1, 10_000_000), float(accounts)
