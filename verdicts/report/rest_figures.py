"""Plots of what stood in the rests between waves: each series, from its level in the first of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import cycle

import numpy as np

from verdicts.measure.target import growth, rests
from verdicts.measure.target.growth import Growth
from verdicts.report.figure import Figure, Trace, line
from verdicts.run.reading import Run

MIB = 2**20
MOST = 8  # lines of a plot: those that grow most surely
_COLORS = ("c1", "c2", "c3", "c4", "c5", "c6", "c7", "faint")


def of(run: Run) -> Iterator[Figure]:
    """Memory, and what is counted, where the run was asked for it (L2)."""
    if "L2" not in run.scenario.get("points", ()):
        return
    found = growth.all_of(run)
    memory = [one for one in found if one.what == "memory"]
    counted = [one for one in found if one.what != "memory" and np.ptp(one.levels)]
    if memory:
        yield _plot(run, "rest-memory", "Memory in the rests, beside the first", "MiB", memory, 1 / MIB)
    if counted:
        yield _plot(run, "rest-counts", "What stood in the rests, beside the first", "more", counted, 1.0)


def _plot(run: Run, id: str, title: str, unit: str, lines: Sequence[Growth], factor: float) -> Figure:
    growing = [f"{one.source} {one.what}" for one in lines if one.grows]
    summary = (
        f"The lowest reading of each rest's second half. {', '.join(growing) or 'None'} "
        f"{'grow' if len(growing) > 1 else 'grows'} from rest to rest."
    )
    traces = [
        _trace(run, one, color, factor) for one, color in zip(lines[:MOST], cycle(_COLORS), strict=False)
    ]
    return Figure(id, title, unit, "measured", summary, traces)


def _trace(run: Run, one: Growth, color: str, factor: float) -> Trace:
    """At the ends of the rests in which it was told."""
    ends = {float(rest.calls): rest.end for rest in rests.of(run)}
    t = np.array([ends[calls] for calls in one.calls.tolist()])
    return line(f"{one.source}: {one.what}", t, (one.levels - one.levels[0]) * factor, color)
