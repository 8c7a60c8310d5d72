"""What grows from rest to rest and does not come back: straight lines through levels against calls.

Each series of each source is a line of its own: its level in every rest against the scheduled calls sent
until then. The first wave fills pools, caches and heaps: nothing before its end is taken. Assumed is that the
levels lie around a line, each off it by chance, apart from the others: a step in one rest, or a level that
settles, makes the interval wide, and no growth. All intervals of a run hold together with 95 % confidence:
with m series, each has 1 − 5 %/m (Bonferroni).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Final, NamedTuple

import numpy as np

from verdicts.measure.target import rests
from verdicts.measure.target.straight_line import MIN_POINTS, Line, fitted
from verdicts.run.reading import Floats, Run

ERROR: Final = 0.05  # of any interval of a run
SERIES: Final[Mapping[str, tuple[str, ...]]] = {  # what → the metrics that tell it, the first one there is
    "memory": ("process_resident_memory_bytes",),
    "goroutines": ("go_goroutines", "mcpist_tasks", "mcpist_goroutines"),
    "sessions": ("mcpist_sessions_open",),
    "connections": ("process_open_fds",),
    "streams": ("mcpist_streams_open",),
}


class Scale(NamedTuple):
    """Of growth by a call: up to `least` it is none; one of `most` must be seen, or nothing is said."""

    least: float
    most: float


MEMORY: Final = Scale(1024.0, 10_240.0)  # bytes
COUNTS: Final = Scale(0.001, 0.01)
CONNECTIONS: Final = Scale(0.001, 0.05)  # idle ones in pools are as many as were busy at once


class Growth(NamedTuple):
    """One series: its level in each rest, after so many calls; the line is by the call."""

    source: str
    what: str
    calls: Floats
    levels: Floats
    line: Line

    @property
    def scale(self) -> Scale:
        """What counts as growth here."""
        return {"memory": MEMORY, "connections": CONNECTIONS}.get(self.what, COUNTS)

    @property
    def least(self) -> float:
        """The lower end of the interval."""
        return self.line.slope - self.line.margin

    @property
    def most(self) -> float:
        """The upper end of the interval."""
        return self.line.slope + self.line.margin

    @property
    def grows(self) -> bool:
        """It does, surely, and by more than nothing."""
        return self.least > 0 and self.line.slope > self.scale.least

    @property
    def unclear(self) -> bool:
        """Too unsteady to tell: it could grow, and a growth that must be seen would not be."""
        return not self.grows and not self.most < self.scale.most


@cache
def all_of(run: Run) -> tuple[Growth, ...]:
    """Every series that stood in four rests or more; those that grow most surely come first."""
    found = list(_levels(run))
    confidence = 1 - ERROR / max(len(found), 1)
    lines = [
        Growth(source, what, calls, levels, fitted(calls, levels, confidence))
        for source, what, calls, levels in found
    ]
    fitting = [one for one in lines if not math.isnan(one.line.slope)]
    return tuple(sorted(fitting, key=lambda one: -one.least / one.scale.least))


def _levels(run: Run) -> Iterator[tuple[str, str, Floats, Floats]]:
    spans = rests.of(run)
    calls = np.array([rest.calls for rest in spans], np.float64)
    for source in sorted(run.target.sources):
        for what, names in SERIES.items():
            told = (run.target.series(source, name) for name in names)
            t, values = next((one for one in told if one[0].size), (np.empty(0), np.empty(0)))
            levels = np.array([rest.level(t, values) for rest in spans], np.float64)
            known = ~np.isnan(levels)
            if known.sum() >= MIN_POINTS:
                yield source, what, calls[known], levels[known]
