"""Whether a system comes back once its trigger is gone: goodput before, during and after a run's first fault.

    before    the share of intents planned before the trigger that were served in time
    back      the first second after the trigger's end from which five seconds, and all that was watched,
              have a goodput of 99 % of that
    watched   from the trigger's end to the last intent whose deadline lies within the load, and before
              another fault; not at all where another is in force at the trigger's end

Where fewer than `WELL` were served in time before it, there is nothing to come back to.

A system that is not back within three times the trigger, and a minute at least (both as much shorter as
DURATION_SCALE makes the run), is metastable: the load is as before, and keeps it down.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from verdicts.measure.calls import recovery
from verdicts.measure.intents import intents
from verdicts.measure.intents.intents import Intents
from verdicts.run.reading import Run

SHARE: Final = 0.99
WELL: Final = 0.95
STEADY: Final = 5.0  # seconds
TRIGGERS: Final = 3.0
MINUTE: Final = 60.0
LEAST_HEARD: Final = 0.8
REQUESTS: Final = "mcpist_requests_total"
NO_TRIGGER: Final = "Not observed: nothing was done to the target, or it did not end before the load."
NO_DEADLINE: Final = "Not observed: these users have no `deadline`, so nothing says what is too late."


@dataclass(frozen=True)
class Storm:
    """Seconds since the run's start; `back`, `watched` and `required` count from the trigger's end.

    `back` is infinite where it did not come back.
    """

    name: str
    at: float
    end: float
    before: float
    back: float
    watched: float
    required: float

    @property
    def metastable(self) -> bool | None:
        """None where it was not watched long enough to say so."""
        if self.back <= self.required:
            return False
        return True if self.watched >= self.required else None

    @property
    def back_at_least(self) -> float:
        """`back`, or the first second of which nobody knows whether it was."""
        return min(self.back, float(max(math.floor(self.watched - STEADY) + 1, 0)))

    @property
    def well(self) -> bool:
        """It was, before."""
        return self.before >= WELL

    @property
    def lasted(self) -> tuple[float, float]:
        """From the trigger until it was back, or as long as it was watched."""
        return self.at, self.end + min(self.back, self.watched)

    @property
    def aftermath(self) -> tuple[float, float]:
        """The part of that without the trigger; a second at least."""
        return self.end, self.end + max(min(self.back, self.watched), 1.0)


def of(run: Run) -> Storm | str:
    """The run's storm, or why there is none."""
    found = [fault for fault in recovery.faults(run) if fault.get("until") is not None]
    if not found or float(found[0]["until"]) >= run.load_end:
        return NO_TRIGGER
    wanted = intents.of(run)
    if np.isnan(wanted.deadline).all():
        return NO_DEADLINE
    at, end = float(found[0]["at"]), float(found[0]["until"])
    until = min(run.load_end, recovery.next_after(recovery.faults(run), end))
    watched = until - float(np.nanmax(wanted.deadline)) - end
    before = wanted.goodput(0.0, at)
    required = max(TRIGGERS * (end - at), MINUTE / float(run.scenario.get("duration_scale", 1.0)))
    name = " ".join(filter(None, (found[0]["fault"], found[0].get("target"))))
    back = _back(wanted, end, watched, before * SHARE)
    return Storm(name, at, end, before, back, max(watched, 0.0), required)


def edge_heard(run: Run, storm: Storm) -> float:
    """The share of the scrapes, one a second, that the bundled edge answered in the aftermath; 1 for others.

    It waits for nothing that is modelled: where it does not answer, its process had no CPU.
    """
    if "edge" not in run.target.sources or not run.manifest.bundled:
        return 1.0
    start, end = storm.aftermath
    t, _ = run.target.series("edge", REQUESTS, method="POST")
    return float(((t >= start) & (t < end)).sum() / (end - start))


def _back(wanted: Intents, end: float, watched: float, enough: float) -> float:
    for second in range(math.floor(watched - STEADY) + 1):
        start = end + second
        steady = wanted.goodput(start, start + STEADY) >= enough
        if steady and wanted.goodput(start, end + watched) >= enough:
            return float(second)
    return math.inf
