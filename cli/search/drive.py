"""One search driven by real trials: until it is answered, its budget is over, or it was stopped.

A trial that is doubtful, or that left nothing, is made again before it is believed: others on the machine may
have been at work.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from verdicts.breakpoint.trial import NoVerdictError

STOPPED: Final = "stopped"
OVER: Final = "the budget is over"
Say = Callable[[str], None]
Value = TypeVar("Value")
Outcome = TypeVar("Outcome")


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


@dataclass
class Drive(Generic[Value, Outcome]):
    """What makes the trials of a search. `run` gives None where it was stopped, and raises NoVerdictError.

    `doubtful` outcomes are tried `attempts` times in all; `told` puts a trial in words, with its seconds.
    `outcomes` are all of them, `aside` what was said of those that left none.
    """

    run: Callable[[Value], Outcome | None]
    budget: Budget
    say: Say
    told: Callable[[Value, Outcome, float], str]
    doubtful: Callable[[Outcome], bool] = lambda outcome: False
    attempts: int = 2
    outcomes: list[Outcome] = field(default_factory=list)
    aside: list[str] = field(default_factory=list)

    def through(
        self, next_trial: Callable[[], Value | None], report: Callable[[Value, Outcome], object]
    ) -> str:
        """Every trial that is wanted, to its report; "" where none is wanted any more, else why it ended."""
        while (value := next_trial()) is not None:
            outcome, note = self._tried(value)
            if outcome is not None:
                report(value, outcome)
            if note:
                return note
        return ""

    def _tried(self, value: Value) -> tuple[Outcome | None, str]:
        """(outcome, "") of a trial, or (None, why there is none)."""
        outcome, note = self._once(value)
        for _ in range(self.attempts - 1):
            if note in (STOPPED, OVER) or (outcome is not None and not self.doubtful(outcome)):
                break
            again, why = self._once(value)
            if again is not None or why == STOPPED:
                outcome, note = again, why
            elif why == OVER:
                break
        return outcome, note

    def _once(self, value: Value) -> tuple[Outcome | None, str]:
        if not self.budget.allows():
            return None, OVER
        began = self.budget.clock()
        try:
            outcome = self.run(value)
        except NoVerdictError as error:
            self.aside.append(str(error))
            self.say(str(error))
            return None, str(error)
        finally:
            self.budget.took(self.budget.clock() - began)
        if outcome is None:
            return None, STOPPED
        self.outcomes.append(outcome)
        self.say(self.told(value, outcome, self.budget.clock() - began))
        return outcome, ""
