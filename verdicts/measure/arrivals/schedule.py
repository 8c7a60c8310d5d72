"""What the schedule says was due, built anew from scenario and seed: the engine's word is not asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np

from shapes import registry
from telemetry.recording.sample import CUT_OFF
from verdicts.run.reading import Floats, Run

CLOCKS: Final = 0.1  # seconds that workers' clocks may differ from the one that told the stop


class Due(NamedTuple):
    """How many arrivals were due by the end of the load: at least and at most.

    The two differ only for a run that was stopped, for the stop reaches each worker a moment after it
    was asked for, and cuts off what came due a moment before (`CUT_OFF`).
    """

    least: int
    most: int


def planned_times(scenario: Mapping[str, Any]) -> Floats:
    """Every arrival's planned instant in ascending order, seconds. Raises ValueError, KeyError."""
    groups = enumerate(scenario["groups"])
    offsets = [_offsets(group, scenario["duration"], scenario["seed"] + number) for number, group in groups]
    return np.sort(np.concatenate(offsets))


def _offsets(group: Mapping[str, Any], duration: float, seed: int) -> Floats:
    shape, rate = group["shape"], group["rate"] * group["accounts"]["count"]
    made = registry.make(shape["kind"], shape["params"], rate=rate, duration=duration, seed=seed)
    return made.offsets()


def due(run: Run) -> Due | None:
    """What was due; None where the schedule cannot be built from the manifest."""
    try:
        planned = planned_times(run.scenario)
    except (KeyError, ValueError):
        return None
    if run.end is not None and run.end.completed:
        return Due(len(planned), len(planned))
    heard = [float(lines[-1].t) for lines in run.ledgers.values() if lines]
    latest = run.load_end if run.killed else max([run.load_end, *heard])
    earliest = (run.stopped_at or 0.0) - CLOCKS - CUT_OFF
    least, most = np.searchsorted(planned, [earliest, latest], side="right")
    return Due(int(least), int(most))
