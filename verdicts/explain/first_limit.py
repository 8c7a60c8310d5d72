"""Which limit came first in a run whose bounds did not hold: what a breakpoint search has to name.

In this order; the first that applies is the answer.

| limit | when |
|---|---|
| this machine | the run is invalid, the stack lagged, or processes had no CPU or no open files left |
| nano memory | the model killed an instance, or a bound on its memory broke |
| a protection, by name | judged users were refused, more than they met errors |
| nano CPU | judged users waited, and half of it is the model's CPU queue; a real nano was throttled |
| calls in flight | a bound on a number of calls or goroutines broke: no slowness of ours makes those |
| this machine, the target | anything else: of a bundled stack the fakes', of a target its own |

A stack that lags adds a tenth or more to what slow tools take, and so as much to the calls in flight. One
that keeps up refuses nobody and fills no memory for want of CPU, however full the machine is: a share of
users that a protection refused, and a kill, are then what they are.

The fakes are Python on the machine that also makes the load. So what neither the model nor a protection
explains is never called a limit of the gateway.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from shapes.search import MACHINE
from verdicts.judge.judge import Judgement
from verdicts.measure.arrivals.validity import BUSY
from verdicts.measure.calls import concurrency, gateway_overhead, outcomes, percentiles, series
from verdicts.measure.target import cpu, goroutines, machine, origins, real_nano
from verdicts.run import real_parts
from verdicts.run.reading import Mask, Run
from verdicts.thresholds import figure_of

NANO_MEMORY: Final = "nano memory"
NANO_CPU: Final = "nano CPU"
IN_FLIGHT: Final = "calls in flight"
TARGET: Final = "the target"
QUEUE: Final = "mcpist_nano_cpu_queue_seconds"
OF_LOAD: Final = ("in_flight", "upstream", "callers", "per_user", "goroutines")
OF_MEMORY: Final = ("kills", "nano_memory")
OF_SHARES: Final = ("success", "others_success", "errors", "unclear")
WINDOW: Final = 10.0  # seconds before the break in which CPU is looked at
FILES_A_CALL: Final = 2  # sockets that the edge and an origin hold for a call in flight
FILES_SPARE: Final = 200
THROTTLED: Final = 0.5  # of the CPU periods of a real nano
LAG: Final = 0.1  # of the upstream's own time
SEVERAL_CORES: Final = ("postgres",)
NAMES: Final = {  # where the reason does not tell the name
    "burst_exceeded": "burst-limit",
    "quota_exceeded": "quota",
    "insufficient_credits": "credits",
}


class Limit(NamedTuple):
    """`name` as in the table above; `bound`: the first bound that broke, in words; `why`: the figures."""

    name: str
    bound: str
    why: str


def of(judged: Judgement) -> Limit | None:
    """The limit that came first; None where every bound held."""
    if judged.verdict == "pass":
        return None
    run = judged.run
    if judged.verdict in ("invalid", "inconclusive"):
        excused = (bound for one in judged.excused for bound in one.broken)
        reasons = "; ".join((*judged.validity.reasons, *excused, *judged.unseen))
        told = reasons or "a bound had nothing to be held against"
        return Limit(MACHINE, "", f"{told}. {judged.validity.starved}".strip())
    broken = [bound for point in judged.points for bound in point.broken]
    for find in (_machine, _memory, refused, _cpu, _in_flight):
        if found := find(run, broken):
            return found
    first = broken[0] if broken else next(one.evidence for one in judged.points if one.status == "fail")
    if not run.manifest.bundled:
        return Limit(TARGET, first, _told(run))
    return Limit(MACHINE, first, f"neither the model nor a protection explains it. {_told(run)}")


def refused_by(reason: str) -> str:
    """The protection that gives this reason."""
    return NAMES.get(reason, reason.removesuffix("_exceeded").removesuffix("_open").replace("_", "-"))


def cores(run: Run) -> float:
    """Cores that the load and the stack used together, up to where it broke or the load ended."""
    return sum(_mean(one, _broke_at(run)) for one in cpu.usage(run))


def full(run: Run) -> str:
    """What the bundled stack or the load had no more of, in words; "" if there was enough."""
    until = _broke_at(run)
    processes = {one.name: _mean(one, until) for one in cpu.usage(run)}
    if crowd := machine.crowded(run, until):
        return crowd
    there, whole = run.manifest.machine.cores, sum(processes.values())
    if whole >= BUSY * there:
        return f"the machine was full: {whole:.2f} of {there} cores"
    alone = {name: used for name, used in processes.items() if name not in SEVERAL_CORES}
    name, most = max(alone.items(), key=lambda one: one[1], default=("", 0.0))
    if most >= BUSY:
        return f"the process {name} used {most:.2f} of the one core that it can use"
    return _files(run) or lag(run)


def gave_way(run: Run, broken: Sequence[str]) -> str:
    """Why the broken bounds may be this machine's doing, in words; "" where they are not."""
    why = full(run)
    if not why or lag(run) or _files(run):
        return why
    shares = all(figure_of(bound) in OF_SHARES for bound in broken)
    by_protection = shares and refused(run, broken) is not None
    return "" if by_protection or goroutines.kills(run) > 0 else why


def _machine(run: Run, broken: Sequence[str]) -> Limit | None:
    why = gave_way(run, broken)
    return Limit(MACHINE, broken[0] if broken else "", why) if why else None


def _files(run: Run) -> str:
    allowed, most = run.manifest.machine.open_files_limit, series.peak_in_flight(run)
    if not run.manifest.bundled or not allowed or FILES_A_CALL * most + FILES_SPARE < allowed:
        return ""
    return (
        f"{most:,} calls in flight need {FILES_A_CALL * most:,} open files of a process, allowed {allowed:,}"
    )


def lag(run: Run) -> str:
    """The stack added much to what slow tools take, and the model's CPU queue does not explain it."""
    told = run.ok & concurrency.slow(run) & (run.samples["done"] <= _broke_at(run))
    calls = told & ~np.isnan(run.samples["upstream_s"])
    if not run.manifest.bundled or not calls.any():
        return ""
    upstream = float(np.median(run.samples["upstream_s"][calls]))
    added = float(np.median(percentiles.overhead(run, calls)))
    if added < LAG * upstream or _queue(run) >= added / 2 or _throttled(run) >= THROTTLED:
        return ""
    return f"the stack itself added {added:.2f} s to answers of {upstream:.2f} s (median)"


def _memory(run: Run, broken: Sequence[str]) -> Limit | None:
    kills = goroutines.kills(run)
    bound = _first(broken, OF_MEMORY)
    if not bound and not kills > 0:
        return None
    told = [event for event in run.events if event.name == "nano" and event.detail["to"] == "killed"]
    when = f"killed at {told[0].t:.1f} s" if told else "not killed"
    how = "measured" if real_parts.is_real(run) else "modelled"
    return Limit(NANO_MEMORY, bound or (broken[0] if broken else ""), f"{when}, {how}")


def refused(run: Run, broken: Sequence[str]) -> Limit | None:
    """The protection that refused judged users, where that was more than the errors they met."""
    mine = run.judged & run.sent
    refusals, errors = outcomes.refused(run) & mine, outcomes.errors(run) & mine
    if not broken or refusals.sum() <= errors.sum():
        return None
    reason, count = next(iter(run.reasons(refusals).items()))
    share = count / mine.sum()
    return Limit(refused_by(reason), broken[0], f"{reason}: {count:,} judged calls refused ({share:.1%})")


def _cpu(run: Run, broken: Sequence[str]) -> Limit | None:
    if broken and (share := _throttled(run)) >= THROTTLED:
        return Limit(NANO_CPU, broken[0], f"throttled in {share:.0%} of its CPU periods, measured")
    waited = percentiles.of(gateway_overhead.seconds(run, run.ok & run.judged)).p95
    queue = _queue(run)
    if not broken or not queue > 0 or not queue >= waited / 2:
        return None
    return Limit(NANO_CPU, broken[0], f"queue for CPU p95 {queue:.2f} s of {waited:.2f} s waited, modelled")


def _throttled(run: Run) -> float:
    """The share of CPU periods in which a real nano was stopped, up to where it broke."""
    return real_nano.throttled(run, 0.0, _broke_at(run))


def _queue(run: Run) -> float:
    """p95 over the scrapes of the model's CPU queue, seconds; 0 where there is no model."""
    queues = [cpu.since_start(*run.target.series(one, QUEUE))[1] for one in origins.sources(run)]
    return max((float(np.percentile(one, 95)) for one in queues if one.size), default=0.0)


def _in_flight(run: Run, broken: Sequence[str]) -> Limit | None:
    bound = _first(broken, OF_LOAD)
    return Limit(IN_FLIGHT, bound, "as the attack makes them") if bound else None


def _first(broken: Sequence[str], figures: tuple[str, ...]) -> str:
    return next((bound for bound in broken if figure_of(bound) in figures), "")


def _told(run: Run) -> str:
    """What judged users met, and how busy the stack was."""
    mine: Mask = run.judged & run.sent & outcomes.errors(run)
    errors = ", ".join(f"{name} {count:,}" for name, count in run.reasons(mine).items()) or "none"
    there = run.manifest.machine.cores
    return f"Judged users' errors: {errors}; processes used {cores(run):.2f} of {there} cores"


def _broke_at(run: Run) -> float:
    """The first kill, or the end of the load: what comes after a kill is no cause of it."""
    kills = (event.t for event in run.events if event.name == "nano" and event.detail["to"] == "killed")
    return min(kills, default=run.load_end)


def _mean(process: cpu.ProcessUsage, until: float) -> float:
    """Cores used in the last `WINDOW` seconds before `until`; 0 without a reading."""
    mine = (process.t > max(until - WINDOW, 0.0)) & (process.t <= until + 0.5)
    return float(process.cores[mine].mean()) if mine.any() else 0.0
