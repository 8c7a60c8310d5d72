"""Memory beside goroutines as the origins told them: the nano's by the model, a target's as measured.

A target of the user's shows `go_goroutines` and `process_resident_memory_bytes` as every Go server with
Prometheus' client does, or others that its file names in `metric_names`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from verdicts.measure.target import origins
from verdicts.measure.target.cpu import since_start
from verdicts.run import real_parts
from verdicts.run.reading import Floats, Run

GOROUTINES: Final = ("mcpist_goroutines", "go_goroutines")
MEMORY: Final = {
    True: ("mcpist_memory_bytes",),
    False: ("process_resident_memory_bytes", "mcpist_memory_bytes"),
}
DEFAULTS: Final[Mapping[str, int]] = {  # a stack that tells none of its settings has these
    **{"memory_limit": 256 * 2**20, "memory_base": 40 * 2**20, "stack_bytes": 8192, "buffer_bytes": 10240},
    **{"goroutines_base": 20, "goroutines_per_call": 2},
}
PLAN: Final = (
    "The plan's arithmetic: 5,000 goroutines × 18 KB = 90 MB, 10,000 as the limit, on a nano of 256 MB."
)


@dataclass(frozen=True, eq=False)
class Pairs:
    """One source's scrapes since start that held both: goroutines and bytes."""

    source: str
    goroutines: Floats
    memory: Floats

    def slope(self) -> tuple[float, float]:
        """(bytes a goroutine, r²) by least squares; NaN where goroutines hardly moved.

        Over the scrapes up to the most goroutines: Go keeps the memory of those that are gone.
        """
        rising = slice(int(self.goroutines.argmax()) + 1)
        x, y = self.goroutines[rising], self.memory[rising]
        if x.size < 3 or np.ptp(x) < 10:
            return float("nan"), float("nan")
        slope = float(np.polyfit(x, y, 1)[0])
        spread = float(np.ptp(y))
        return slope, float(np.corrcoef(x, y)[0, 1] ** 2) if spread else float("nan")


def nano(run: Run) -> Mapping[str, Any]:
    """The nano model's settings that the stack ran with; empty for a target."""
    return run.manifest.settings("nano")


def basis_of(settings: Mapping[str, Any], assumed: str) -> str:
    """Whose the model's own figures are: measured on which machine, or `assumed`."""
    where = settings.get("measured_on", "")
    return f"measured on {where}; limits and share are the plan's" if where else assumed


def holds(run: Run, memory: float | None = None) -> int:
    """How many calls the model holds in `memory` bytes; by default in all that the instance has."""
    settings = {**DEFAULTS, **nano(run)}
    room = (settings["memory_limit"] if memory is None else memory) - settings["memory_base"]
    each = settings["stack_bytes"] + settings["buffer_bytes"]
    count = int(room // each) - settings["goroutines_base"]
    return max(0, int(count // settings["goroutines_per_call"]))


def pairs(run: Run) -> list[Pairs]:
    """Every origin that told both, those with the most goroutines first."""
    found = [_of(run, source) for source in origins.sources(run)]
    held = [one for one in found if one is not None]
    return sorted(held, key=lambda one: -one.goroutines.max())


def _of(run: Run, source: str) -> Pairs | None:
    """Scrapes of a dead instance (no goroutine at all) are left out."""
    t, goroutines = _series(run, source, GOROUTINES)
    at, memory = _series(run, source, MEMORY[bool(run.manifest.bundled)])
    both, first, second = np.intersect1d(t, at, return_indices=True)
    alive = goroutines[first] > 0
    if not both.size or not alive.any():
        return None
    return Pairs(source, goroutines[first][alive], memory[second][alive])


def _series(run: Run, source: str, names: tuple[str, ...]) -> tuple[Floats, Floats]:
    for name in names:
        t, values = since_start(*run.target.series(source, name))
        if t.size:
            return t, values
    return np.empty(0), np.empty(0)


def kills(run: Run) -> float:
    """How often an instance was killed, by the model or the kernel; NaN where nobody would tell.

    A counter with a label is not there before its first count, so where the model runs none is 0.
    """
    totals = [real_parts.kills(run, source) for source in origins.sources(run)]
    known = [total for total in totals if not np.isnan(total)]
    if not known and (real_parts.is_real(run) or not (run.manifest.bundled and pairs(run))):
        return float("nan")
    return float(sum(known))
