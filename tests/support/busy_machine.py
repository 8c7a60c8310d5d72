"""A run says for itself that the machine was too busy for it: such a run was late, and is made once more.

A test that needs an idle machine says so by using this, and judges by the run's own validity: no test is
repeated. Each run that was made anew is told at the end of the tests (`tests.support.left_out`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

made_anew: Final[list[str]] = []  # why, of each run of this process that was
T = TypeVar("T")


def late(verdicts: Mapping[str, Any]) -> bool:
    """Nothing but our own lateness speaks against the run."""
    reasons = verdicts.get("invalid_because", ())
    return bool(reasons) and all(" late (" in reason for reason in reasons)


def unless_late(made: Callable[[int], T], verdicts: Callable[[T], Mapping[str, Any]]) -> T:
    """The run; where it was late, the second one. `made` hears which try, 0 or 1."""
    run = made(0)
    found = verdicts(run)
    if not late(found):
        return run
    made_anew.append(f"{found.get('scenario', 'it')}: {'; '.join(found['invalid_because'])}")
    return made(1)
