"""Whose the machine's CPU was while load was sent: this run's processes', others', nobody's.

Cores: 0.5 is half a core for the whole time. What a bundled stack is slow at on a crowded machine says
nothing of the stack.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from verdicts.measure.target import cpu
from verdicts.run.reading import Floats, Run

MACHINE: Final = "stack_machine_cpu_seconds_total"
FULL: Final = 0.9  # of all cores
MUCH: Final = 0.1  # of all cores, used by others
LONG: Final = 0.1  # of the time in which load was sent


class MachineUse(NamedTuple):
    """The machine's cores in each interval between readings, of `seconds` each."""

    seconds: Floats
    used: Floats
    own: Floats  # of `used`: by the load and the stack

    @property
    def others(self) -> Floats:
        """What is neither the load's nor the stack's."""
        return np.maximum(self.used - self.own, 0.0)


def use(run: Run, until: float = float("inf")) -> MachineUse:
    """While load was sent, up to `until`; empty where nobody told, as at a target elsewhere."""
    t, counter = run.target.series("stack", MACHINE)
    ends, used = cpu.rates(t, counter)
    seconds = np.diff(t)[np.diff(t) > 0]
    mine = (ends - seconds >= 0.0) & (ends <= min(run.load_end, until))
    own = np.zeros(int(mine.sum()))
    for one in cpu.usage(run):
        own += np.interp(ends[mine], one.t, one.cores, left=0.0, right=0.0) if one.t.size else 0.0
    return MachineUse(seconds[mine], used[mine], own)


def crowded(run: Run, until: float = float("inf")) -> str:
    """That the machine was full, and not of this run alone, as a sentence; "" where it was so for short."""
    found, cores = use(run, until), run.manifest.machine.cores
    crowd = (found.used >= FULL * cores) & (found.others >= MUCH * cores)
    full, whole = float(found.seconds[crowd].sum()), float(found.seconds.sum())
    if not crowd.any() or full < LONG * whole:
        return ""
    others = float(np.average(found.others[crowd], weights=found.seconds[crowd]))
    return (
        f"For {full:.0f} of {whole:.0f} s the machine was full and others on it used {others:.2f} of its "
        f"{cores} cores: what the bundled stack was slow at may be their doing. Run it again when they rest."
    )
