"""One breakpoint search: the row of a set of protections, by trials at single rates.

A trial that this machine limited is doubtful.
"""

from __future__ import annotations

from collections.abc import Callable

from cli.search.drive import Budget, Drive, Say
from shapes.search import MACHINE, Search
from verdicts.breakpoint.table import BreakpointRow
from verdicts.breakpoint.trial import TrialOutcome

Run = Callable[[float], TrialOutcome | None]


def search(protect: str, machine: Search, run: Run, budget: Budget, say: Say) -> BreakpointRow:
    """The row of one set of protections."""
    drive = Drive(run, budget, say, told, doubtful=lambda outcome: outcome.limit == MACHINE)
    note = drive.through(
        machine.next_trial, lambda rate, outcome: machine.report(rate, outcome.passed, outcome.limit)
    )
    if machine.cut_short:
        note = f"{machine.max_trials} trials were not enough"
    return BreakpointRow.of(protect, machine.result, drive.outcomes, note)


def told(rate: float, outcome: TrialOutcome, seconds: float) -> str:
    """A trial in a few words."""
    return f"{rate:.4g} req/s: {described(outcome)}, {seconds:.0f} s"


def described(outcome: TrialOutcome) -> str:
    """Its outcome alone."""
    if outcome.passed:
        return f"held, {outcome.in_flight:,} in flight" if outcome.in_flight is not None else "held"
    return f"{outcome.verdict}, {outcome.limit}: {outcome.bound or outcome.why}"
