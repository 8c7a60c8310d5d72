"""One breakpoint search driven by real trials: until it is answered, its budget is over, or it was stopped.

A trial that this machine limited, or that left no verdict, is made once more before it is believed: others on
the machine may have been at work.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from shapes.search import MACHINE, Search
from verdicts.breakpoint.table import BreakpointRow
from verdicts.breakpoint.trial import NoVerdictError, TrialOutcome

STOPPED: Final = "stopped"
OVER: Final = "the budget is over"
Run = Callable[[float], TrialOutcome | None]
Say = Callable[[str], None]


@dataclass
class Budget:
    """So many seconds from now; `trial` is what the next trial will take, at first a guess."""

    seconds: float
    trial: float
    clock: Callable[[], float] = time.monotonic
    began: float = field(init=False)

    def __post_init__(self) -> None:
        self.began = self.clock()

    def allows(self) -> bool:
        """There is time for one more trial."""
        return self.clock() - self.began + self.trial <= self.seconds

    def took(self, seconds: float) -> None:
        """A trial took so long."""
        self.trial = max(self.trial, seconds)


def search(protect: str, machine: Search, run: Run, budget: Budget, say: Say) -> BreakpointRow:
    """The row of one set of protections."""
    outcomes: list[TrialOutcome] = []
    note = ""
    while not note and (rate := machine.next_trial()) is not None:
        outcome, note = _twice(rate, run, budget, say, outcomes)
        if outcome is not None:
            machine.report(rate, outcome.passed, outcome.limit)
    return BreakpointRow.of(protect, machine.result, outcomes, note)


def _twice(
    rate: float, run: Run, budget: Budget, say: Say, outcomes: list[TrialOutcome]
) -> tuple[TrialOutcome | None, str]:
    """(outcome, "") of a trial, or (None, why there is none)."""
    outcome, note = _once(rate, run, budget, say, outcomes)
    doubtful = outcome is not None and outcome.limit == MACHINE
    if note in (STOPPED, OVER) or not (doubtful or note):
        return outcome, note
    again, why = _once(rate, run, budget, say, outcomes)
    return (again, why) if again is not None or why == STOPPED else (outcome, note)


def _once(
    rate: float, run: Run, budget: Budget, say: Say, outcomes: list[TrialOutcome]
) -> tuple[TrialOutcome | None, str]:
    if not budget.allows():
        return None, OVER
    began = budget.clock()
    try:
        outcome = run(rate)
    except NoVerdictError as error:
        say(str(error))
        return None, str(error)
    finally:
        budget.took(budget.clock() - began)
    if outcome is None:
        return None, STOPPED
    outcomes.append(outcome)
    say(f"{rate:.4g} req/s: {described(outcome)}, {budget.clock() - began:.0f} s")
    return outcome, ""


def described(outcome: TrialOutcome) -> str:
    """A trial in a few words."""
    if outcome.passed:
        return f"held, {outcome.in_flight:,} in flight" if outcome.in_flight is not None else "held"
    return f"{outcome.verdict}, {outcome.limit}: {outcome.bound or outcome.why}"
