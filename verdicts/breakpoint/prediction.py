"""What the trials below a breakpoint say of it: where calls in flight or CPU would be all in use.

By Little's law calls in flight are rate × time, and time does not change below the breakpoint. So they, and
CPU, grow with the rate, and reach what there is of them at

    rate · (calls that can be in flight ÷ those that were)      rate ÷ (share of the nano's CPU that was used)

of the highest trial that held below the breakpoint, or at it where none did. The lesser is the prediction. It
is a check on the search, and no answer: where a call costs less CPU the more of them wait, as in a server
that takes up several at once, CPU bears more than this.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from verdicts.breakpoint.trial import TrialOutcome

MEMORY: Final = "calls in flight"
CPU: Final = "CPU"


class Prediction(NamedTuple):
    """Attackers' req/s, and what would be all in use there."""

    rate: float
    by: str

    def __str__(self) -> str:
        return f"{self.rate:.3g} ({self.by})"


def predict(trials: Sequence[TrialOutcome], breakpoint: float | None) -> Prediction | None:
    """By trials at rates up to `breakpoint`; None where none of them told what it used."""
    held = [one for one in trials if one.passed and breakpoint is not None and one.rate <= breakpoint]
    below = [one for one in held if one.rate != breakpoint] or held
    if not below:
        return None
    last = max(below, key=lambda one: one.rate)
    found = []
    if last.in_flight and last.calls_limit:
        found.append(Prediction(last.rate * last.calls_limit / last.in_flight, MEMORY))
    if last.nano_cpu:
        found.append(Prediction(last.rate / last.nano_cpu, CPU))
    return min(found, default=None)
