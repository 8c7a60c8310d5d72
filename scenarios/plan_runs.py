"""The runs that answer the resilience plan, as data: `make plan MODE=quick|full|smoke`.

Every one of the plan's 11 scenarios runs once as it is; further runs show what one run cannot: the same
attack after the protections, isolates that count alone, other sync intervals. A run is of a mode where
`times` names it, with what the mode changes (as `bin/attack` takes it: a shorter duration in real time, or
`duration_scale`, which scales the stack's windows too and is told at each point); of `full` it always is, as
its scenario has it. `label` tells the further runs of a scenario apart; `leads` are the points that a further
run answers better than the plain one; all others are answered by the plain run of their scenario.

    quick   all questions, in less than 15 minutes from a fresh clone
    full    the scenarios' own durations, and further runs
    smoke   phase 1 and one scenario of each priority, for CI
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from common.errors import ConfigError

MODES: Final = ("quick", "full", "smoke")
Changes = Mapping[str, str]


class PlanRun(NamedTuple):
    """One run of the plan."""

    scenario: str
    times: Mapping[str, Changes] = {}
    label: str = ""
    protect: str = ""
    leads: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What tells it from the plan's other runs; also of its folder."""
        given = self.label and not self.scenario.endswith(f"-{self.label}")
        return f"{self.scenario}-{self.label}" if given else self.scenario


def _times(quick: Changes, smoke: Changes | None = None) -> dict[str, Changes]:
    return {"quick": quick} if smoke is None else {"quick": quick, "smoke": smoke}


def _for(seconds: int) -> dict[str, str]:
    return {"duration": f"{seconds}s"}


def _fast(factor: float) -> dict[str, str]:
    return {"duration_scale": f"{factor:g}"}


RUNS: Final = (
    PlanRun("single-burst", _times(_for(10), _for(10))),
    PlanRun("rate-limit", _times(_fast(6), _fast(6))),
    PlanRun("health", _times(_fast(2), _fast(4))),
    PlanRun("slow-api", _times(_for(20))),
    PlanRun("slow-api", _times(_for(20)), label="phase2", protect="phase2"),
    PlanRun("slow-api-starter", label="starter"),
    PlanRun("kv-exhaustion", _times(_for(28))),
    PlanRun("kv-exhaustion-memory-open", _times(_for(28)), label="memory-open"),
    PlanRun("kv-exhaustion-isolates", _times(_for(20)), label="isolates", leads=("P1.4",)),
    PlanRun("burst", _times(_for(30), {**_for(10), "accounts": "40"})),
    PlanRun("burst-one-ip", label="one-ip"),
    PlanRun("burst-starter", label="starter"),
    PlanRun("db-pool", _times(_fast(1.5))),
    PlanRun("db-pool-none", label="none"),
    PlanRun("agent-loop", _times(_for(20), _for(10))),
    PlanRun("agent-loop-starter", label="starter"),
    PlanRun("upstream-outage", _times(_fast(2))),
    PlanRun("upstream-outage", _times(_fast(2)), label="phase2", protect="phase2"),
    PlanRun("upstream-outage-starter", label="starter"),
    PlanRun("invalid-jwt", _times(_fast(2), _fast(4))),
    PlanRun("unknown-kid", label="refetch"),
    PlanRun("unknown-kid-cool-down", label="cool-down"),
    PlanRun("failover", {"quick": {}}),
    PlanRun("failover-sync-30s", label="sync-30s"),
    PlanRun("failover-sync-10s", label="sync-10s"),
)


def runs(mode: str) -> list[tuple[PlanRun, Changes]]:
    """The runs of a mode in order, with what it changes in each. Raises ConfigError."""
    if mode not in MODES:
        raise ConfigError("command line", "mode", f"{mode!r:.40}, allowed: {', '.join(MODES)}")
    if mode == "full":
        return [(run, {}) for run in RUNS]
    return [(run, run.times[mode]) for run in RUNS if mode in run.times]
