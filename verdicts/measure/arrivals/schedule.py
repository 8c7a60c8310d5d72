"""What the schedule says was due, built anew from scenario and seed: the engine's word is not asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import numpy as np

from shapes import registry
from shapes.base import Shape
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
    return np.sort(np.concatenate([shape.offsets() for shape in _shapes(scenario)]))


def _shapes(scenario: Mapping[str, Any]) -> Iterator[Shape]:
    """Each group's. Raises ValueError, KeyError."""
    for number, group in enumerate(scenario["groups"]):
        shape, rate = group["shape"], group["rate"] * group["accounts"]["count"]
        about = {"rate": rate, "duration": scenario["duration"], "seed": scenario["seed"] + number}
        yield registry.make(shape["kind"], shape["params"], **about)


def due(run: Run) -> Due | None:
    """What was due; None where the schedule cannot be built from the manifest."""
    try:
        if run.end is not None and run.end.completed:
            count = sum(shape.count for shape in _shapes(run.scenario))
            return Due(count, count)
        planned = planned_times(run.scenario)
    except (KeyError, ValueError):
        return None
    heard = [float(lines[-1].t) for lines in run.ledgers.values() if lines]
    # A lost worker's arrivals are known by the schedule alone, and while answers are waited for none is due.
    latest = run.load_end if run.lost else max([run.load_end, *heard])
    earliest = (run.stopped_at or 0.0) - CLOCKS - CUT_OFF
    least, most = np.searchsorted(planned, [earliest, latest], side="right")
    return Due(int(least), int(most))
