"""A run says for itself that the machine was too busy for it: such a run was late, and is made again.

A test that needs an idle machine says so by using this, and judges by the run's own validity.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

TRIES: Final = 3
T = TypeVar("T")


def late(verdicts: Mapping[str, Any]) -> bool:
    """Nothing but our own lateness speaks against the run."""
    reasons = verdicts.get("invalid_because", ())
    return bool(reasons) and all(" late (" in reason for reason in reasons)


def unless_late(made: Callable[[int], T], verdicts: Callable[[T], Mapping[str, Any]]) -> T:
    """The first run that was not late, of at most `TRIES`; else the last. `made` hears which try, from 0."""
    for number in range(TRIES):
        run = made(number)
        if not late(verdicts(run)):
            break
    return run
