"""The smallest case that still fails: fewer faults, fewer workers, fewer arrivals, a kinder network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.simulation.cases import Case


def shrink(case: Case, fails: Callable[[Case], bool]) -> Case:
    """Take away what can be taken away, one thing after the other, until nothing can."""
    while True:
        smaller = next((one for one in _smaller(case) if fails(one)), None)
        if smaller is None:
            return case
        case = smaller


def _smaller(case: Case) -> Iterator[Case]:
    """Each with one thing less, the largest things first."""
    for place in range(len(case.faults)):
        yield replace(case, faults=case.faults[:place] + case.faults[place + 1 :])
    if case.workers > 1:
        last = case.workers - 1
        faults = tuple(replace(one, who=min(one.who, last - 1)) for one in case.faults)
        yield replace(case, workers=last, faults=faults)
    if case.telemetry:
        yield replace(case, telemetry=False)
    if any(rate != 1.0 for rate in case.rates):
        yield replace(case, rates=(1.0,) * len(case.rates))
    for kinder in (
        replace(case, loss=0.0),
        replace(case, twice=0.0),
        replace(case, ordered=True, loss=0.0, twice=0.0),
        replace(case, delay=0.001),
    ):
        if kinder != case:
            yield kinder
    if case.arrivals > 6:
        yield replace(case, arrivals=case.arrivals // 2)
