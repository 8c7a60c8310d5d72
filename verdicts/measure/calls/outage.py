"""A run cut by its phases, for outages of an upstream: who failed, what else suffered, when it was well.

Calls belong to the phase in which they were planned; those of a failing tool that were in flight when the
first fault began were hit by it, and belong to the phase that begins there. The failing tools are those of
the modules that the scenario's faults name; all others are the innocent ones.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np

from verdicts.measure.calls import outcomes
from verdicts.run.reading import Floats, Mask, Run

STEADY: Final = 5.0  # seconds for which service must hold to count as recovered
WELL: Final = 0.99  # share of successes that is service again
HELD: Final = 0.95  # of all calls from then on: an upstream that is well for a moment has not recovered


class OutagePhase(NamedTuple):
    """A phase of the scenario; `when` is before, during or after the faults. Seconds since start."""

    name: str
    start: float
    end: float
    when: str

    def mask(self, run: Run) -> Mask:
        """Records that belong to it."""
        at = moments(run)
        mask: Mask = (at >= self.start) & (at < self.end)
        return mask


def phases(run: Run) -> list[OutagePhase]:
    """The scenario's phases; empty where it has none, or no faults.

    They are told apart by plan, not by when a fault was really lifted.
    """
    if not run.scenario.get("faults"):
        return []
    first, healed = begins(run), max(_lifted(run))
    return [
        OutagePhase(
            one["name"],
            one["start"],
            one["end"],
            "before" if one["end"] <= first else "after" if one["start"] >= healed else "during",
        )
        for one in run.scenario.get("phases", ())
    ]


def begins(run: Run) -> float:
    """When the first fault is to begin."""
    return float(min(fault["at"] for fault in run.scenario["faults"]))


def moments(run: Run) -> Floats:
    """The instant of each record that says to which phase it belongs."""
    first = begins(run)
    at: Floats = run.samples["planned"].copy()
    at[failing(run) & (at < first) & (run.samples["done"] > first)] = first
    return at


def healed_at(run: Run) -> float:
    """When the last fault was lifted: as it was done, else as it was planned."""
    done = [event.t for event in run.events if event.kind == "fault" and event.detail.get("state") == "ends"]
    planned = _lifted(run)
    return max(done if len(done) == len(planned) else planned)


def _lifted(run: Run) -> list[float]:
    """When each fault is to be lifted."""
    faults = run.scenario.get("faults", ())
    return [run.duration if fault["until"] is None else float(fault["until"]) for fault in faults]


def failing(run: Run) -> Mask:
    """Records of tools whose upstream the faults are for; all of them, if a fault names none."""
    targets = {fault["target"] for fault in run.scenario.get("faults", ())}
    if None in targets:
        return np.ones(len(run.samples), dtype=np.bool_)
    return run.of_tools({name for name in run.manifest.tools if name.partition(".")[0] in targets})


def recovery(run: Run, mask: Mask) -> float:
    """Seconds from healing until service held; inf if it never did, NaN without enough calls to tell.

    Service holds from an instant on if WELL of the masked calls planned in the STEADY seconds after it
    succeed, and HELD of all that are planned later than it. The instants that can be the first are healing
    itself and just after each failed call.
    """
    healed = healed_at(run)
    calls = mask & run.sent & (run.samples["planned"] >= healed)
    planned, ok = run.samples["planned"][calls], run.ok[calls]
    order = np.argsort(planned, kind="stable")
    planned, ok = planned[order], ok[order]
    last = run.load_end - STEADY
    if not planned.size or last < healed:
        return math.nan
    untold = False
    for first in [healed, *np.nextafter(planned[~ok], math.inf)]:
        later = planned >= first
        if first > last or not later.any() or ok[later].mean() < HELD:
            continue
        within = ok[later & (planned < first + STEADY)]
        if within.size and within.mean() >= WELL:
            return float(first - healed)
        untold |= not within.size
    return math.nan if untold else math.inf


def lost(run: Run, mask: Mask) -> int:
    """Scheduled calls of the mask that gave no result: refused or failed."""
    return int((mask & run.sent & (outcomes.refused(run) | outcomes.errors(run))).sum())
