"""Calls whose callers left before the answer, by the origins' own count."""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

from verdicts.measure.target import origins
from verdicts.run.reading import Run

CALLS: Final = "mcpist_caller_left_total"
SECONDS: Final = "mcpist_caller_left_seconds_total"


class CallersLeft(NamedTuple):
    """How many went on all the same and how many stopped; `seconds`: how long those went on, in sum.

    `seconds` is NaN where nobody tells it.
    """

    went_on: float
    stopped: float
    seconds: float

    @property
    def all(self) -> float:
        """Calls whose caller left."""
        return self.went_on + self.stopped


def of(run: Run) -> CallersLeft | None:
    """None where no origin tells of any."""
    counted = [_sum(run, CALLS, call=call) for call in ("went-on", "stopped")]
    if all(math.isnan(value) for value in counted):
        return None
    went_on, stopped = (0.0 if math.isnan(value) else value for value in counted)
    return CallersLeft(went_on, stopped, _sum(run, SECONDS))


def _sum(run: Run, counter: str, **labels: Any) -> float:
    """Over all origins; NaN where none has it."""
    totals = [run.target.total(source, counter, **labels) for source in origins.sources(run)]
    known = [total for total in totals if not math.isnan(total)]
    return sum(known) if known else math.nan
