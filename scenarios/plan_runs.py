"""The runs that answer the resilience plan, as data: `make plan MODE=quick|full|smoke`.

The plan's own values lead: its timeout of 30 s, its limits, a KV of the free plan, no pool of database
connections. Ours (a shorter timeout, an ideal KV, a pool) are further runs with a label. A run is of a mode
where `times` names it, with what the mode changes (as `bin/attack` takes it: a shorter duration in real time,
or `duration_scale`, which scales the stack's windows too and is told at each point); of `full` it always is,
as its scenario has it unless `times` says otherwise. `leads` are the points that a run answers in place of
the plain run of its scenario; runs that lead the same point are repeats, and the worst answers.

    quick   in less than 15 minutes from a fresh clone; `LEFT` are the questions that it leaves to `full`
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


PHASE2: Final = "phase2"

RUNS: Final = (
    PlanRun("single-burst-free", _times(_for(10)), leads=("F1.1",)),
    PlanRun("single-burst-free-memory-open", _times(_for(10)), label="memory-open"),
    PlanRun("single-burst", {"smoke": _for(10)}, label="ideal"),
    PlanRun("check-burst", _times(_for(8))),
    PlanRun("check-burst-mended", _times(_for(8)), label="mended"),
    PlanRun("check-burst-60s", label="ttl-60s"),
    PlanRun("user-limiter", _times({})),
    PlanRun("user-limiter-mended", _times({}), label="mended"),
    PlanRun("rate-limit", _times(_fast(6), _fast(6))),
    PlanRun("health", _times(_fast(2), _fast(4))),
    PlanRun("slow-api", _times(_for(20))),
    PlanRun("slow-api", label="phase1", protect="phase1"),
    PlanRun("slow-api", _times(_for(20)), label=PHASE2, protect=PHASE2),
    PlanRun("slow-api-starter", label="starter"),
    PlanRun("kv-exhaustion", _times(_for(28))),
    PlanRun("kv-exhaustion-fail-open", _times(_for(28)), label="fail-open", leads=("P1.2",)),
    PlanRun("kv-exhaustion-memory-open", _times(_for(28)), label="memory-open"),
    PlanRun("kv-exhaustion-isolates", _times(_for(20)), label="isolates", leads=("P1.4",)),
    PlanRun("burst-free", _times(_for(15)), leads=("P1.5", "P1.7", "P1.8")),
    PlanRun("burst-free-memory-open", _times(_for(20)), label="memory-open", leads=("P1.6",)),
    PlanRun("burst-paid", label="paid"),
    PlanRun("burst", {"smoke": {**_for(10), "accounts": "40"}}, label="ideal"),
    PlanRun("burst-one-ip", label="one-ip"),
    PlanRun("burst-starter", label="starter"),
    PlanRun("db-pool-hold", _times(_for(45)), leads=("P1.9", "P1.10")),
    PlanRun("db-pool-none", label="none"),
    *(PlanRun("db-pool-holds", label=label, leads=("P1.11",)) for label in ("holds", "again", "again-2")),
    PlanRun("db-pool-holds-lock-timeout", label="lock-timeout"),
    PlanRun("db-pool-holds-pool", label="holds-pool"),
    PlanRun("db-pool", label="pool"),
    PlanRun("agent-loop", _times(_for(10), _for(10))),
    PlanRun("agent-loop-starter", label="starter"),
    PlanRun("upstream-outage", _times({})),
    PlanRun("upstream-outage", _times({}), label=PHASE2, protect=PHASE2),
    PlanRun("upstream-outage-4s", label="4s", protect=PHASE2),
    PlanRun("upstream-outage-starter", label="starter"),
    PlanRun("invalid-jwt", _times(_fast(2), _fast(4))),
    PlanRun("unknown-kid", label="refetch"),
    PlanRun("unknown-kid-cool-down", label="cool-down"),
    PlanRun("key-rotation", _times(_fast(2)), label="rotation"),
    PlanRun("key-rotation-cool-down", label="rotation-cool-down"),
    PlanRun("failover", {"quick": {}, "full": _for(190)}),  # three syncs of 60 s each, at ten times the speed
    PlanRun("failover-sync-30s", label="sync-30s"),
    PlanRun("failover-sync-10s", label="sync-10s"),
)

# One recovery is no spread, and a compressed minute holds one sync of ten minutes or none.
LEFT: Final[Mapping[str, tuple[str, ...]]] = {"quick": ("P1.11", "P3.2")}


def runs(mode: str) -> list[tuple[PlanRun, Changes]]:
    """The runs of a mode in order, with what it changes in each. Raises ConfigError."""
    if mode not in MODES:
        raise ConfigError("command line", "mode", f"{mode!r:.40}, allowed: {', '.join(MODES)}")
    if mode == "full":
        return [(run, run.times.get(mode, {})) for run in RUNS]
    return [(run, run.times[mode]) for run in RUNS if mode in run.times]
