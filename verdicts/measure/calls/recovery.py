"""How long after a fault's end is the target as it was before? By the clients' own samples.

    healthy      the time before the first fault: p95 over ok calls of the judged groups, by when they
                 were planned
    normal       at least one ok call, a p95 of at most healthy × 1.2 + 25 ms, and at most 5 % of the calls
                 failed (refused ones too)
    recovered    the first second after the fault's end from which three seconds in a row are normal, and
                 so is the minute that begins there (as much of it as there is before the next fault or
                 the load's end), and after any later second in which most calls failed (a relapse); a
                 second in which no call was sent is passed over

A fault ends when the scenario lifts it: what it takes to start a killed process again is part of the
recovery. Of one that ends while another is in force nothing is said: that one's end is the one to count from.
Seconds are whole, counted from the fault's end: 0 is the first.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

import numpy as np

from telemetry.recording.sample import Outcome
from verdicts.measure.calls import percentiles
from verdicts.run import real_parts
from verdicts.run.reading import Mask, Run

FACTOR: Final = 1.2
SLACK: Final = 0.025  # seconds
MOST_FAILED: Final = 0.05
STEADY: Final = 3  # seconds in a row
MINUTE: Final = 60.0


class Relapse(NamedTuple):
    """A second in which calls failed once more: seconds after the fault's end, how many of those sent."""

    second: int
    failed: int
    sent: int


class Recovery(NamedTuple):
    """One fault. `seconds` is infinite if `watched` seconds were not enough; `failed`: reason → calls.

    NaN where too few calls were sent to tell, or none was well before the faults.
    `relapse`: the worst second after three that were normal.
    """

    fault: str
    at: float
    end: float
    watched: float
    seconds: float
    failed: dict[str, int]
    relapse: Relapse | None = None

    @property
    def at_least(self) -> float:
        """`seconds`, or the first second of which nobody knows whether it had recovered."""
        return min(self.seconds, float(max(math.floor(self.watched) - STEADY + 1, 0)))


class Baseline(NamedTuple):
    """The healthy phase: its p95 in seconds (NaN without calls), its end, and what is still normal."""

    p95: float
    until: float

    @property
    def bound(self) -> float:
        """The largest normal p95, seconds."""
        return self.p95 * FACTOR + SLACK


def faults(run: Run) -> list[dict[str, Any]]:
    """The scenario's faults that were in force, in order of their beginning."""
    begun = [
        (event.name, event.detail.get("target"))
        for event in run.events
        if event.kind == "fault" and event.detail.get("state") == "begins"
    ]
    planned = [dict(fault) for fault in run.scenario.get("faults", ())]
    found = [fault for fault in planned if (fault["fault"], fault.get("target")) in begun]
    return sorted(found, key=lambda fault: float(fault["at"]))


def baseline(run: Run) -> Baseline:
    """What is normal."""
    first = min((float(fault["at"]) for fault in faults(run)), default=run.load_end)
    return Baseline(percentiles.of(_took(run, 0.0, first)).p95, first)


def next_after(found: Iterable[Mapping[str, Any]], end: float) -> float:
    """When the first of these faults began that is in force after `end`, maybe before it; else inf."""
    later = (fault for fault in found if fault.get("until") is None or fault["until"] > end)
    return min((float(fault["at"]) for fault in later), default=math.inf)


def of(run: Run) -> Iterator[Recovery]:
    """Every fault that ended before the load did, and while no other was in force."""
    normal = baseline(run)
    found = faults(run)
    for fault in found:
        end = fault.get("until")
        if end is None or end >= run.load_end or next_after(found, end) < end:
            continue
        watched = min(run.load_end, next_after(found, end)) - end
        relapses = _relapses(run, end, watched, normal)
        down = [one.second + 1.0 for one in relapses if one.failed > one.sent / 2]
        seconds = max([_seconds(run, end, watched, normal), *down])
        failed = _judged(run, float(fault["at"]), end + watched) & run.became(Outcome.FAILED)
        worst = max(relapses, key=lambda one: one.failed, default=None)
        yield Recovery(_name(fault), float(fault["at"]), end, watched, seconds, run.reasons(failed), worst)


def _name(fault: dict[str, Any]) -> str:
    return " ".join(filter(None, (fault["fault"], fault.get("target"))))


def _seconds(run: Run, end: float, watched: float, normal: Baseline) -> float:
    good = _told(run, end, watched, normal)
    if math.isnan(normal.p95) or (math.floor(watched) >= STEADY > len(good)):
        return math.nan
    for second in _steady(good):
        last = end + min(second + MINUTE, watched)
        if _normal(run, end + second, last, normal):
            return float(second)
    return math.inf


def _told(run: Run, end: float, watched: float, normal: Baseline) -> dict[int, bool]:
    """Seconds in which calls were sent → whether they are normal."""
    return {
        second: _normal(run, end + second, end + second + 1, normal)
        for second in range(math.floor(watched))
        if _counted(run, end, second).sent
    }


def _steady(good: Mapping[int, bool]) -> Iterator[int]:
    """Seconds from which three in a row are normal, those without calls passed over."""
    seconds = list(good)
    for place in range(len(seconds) - STEADY + 1):
        if all(good[second] for second in seconds[place : place + STEADY]):
            yield seconds[place]


def _relapses(run: Run, end: float, watched: float, normal: Baseline) -> list[Relapse]:
    """The seconds, after three that were normal, in which more failed than is normal."""
    good = _told(run, end, watched, normal)
    first = next(_steady(good), None)
    if first is None:
        return []
    seconds = list(good)
    later = (_counted(run, end, at) for at in seconds[seconds.index(first) + STEADY :])
    return [one for one in later if one.failed > MOST_FAILED * one.sent]


def _counted(run: Run, end: float, second: int) -> Relapse:
    mine = _judged(run, end + second, end + second + 1) & run.sent
    return Relapse(second, int((mine & run.became(Outcome.FAILED)).sum()), int(mine.sum()))


def _normal(run: Run, start: float, end: float, normal: Baseline) -> bool:
    sent = int((_judged(run, start, end) & run.sent).sum())
    failed = int((_judged(run, start, end) & run.sent & run.became(Outcome.FAILED)).sum())
    p95 = percentiles.of(_took(run, start, end)).p95
    return bool(p95 <= normal.bound) and failed <= MOST_FAILED * sent


def _took(run: Run, start: float, end: float) -> Any:
    return percentiles.response(run, _judged(run, start, end) & run.ok)


def _judged(run: Run, start: float, end: float) -> Mask:
    planned = run.samples["planned"]
    within: Mask = run.judged & run.arrivals & (planned >= start) & (planned < end)
    return within


def restarts(run: Run) -> list[str]:
    """Every process that was started again during the run, once a time."""
    return [event.name for event in run.events if event.kind == "state" and _came_up(event.detail)]


def _came_up(detail: Any) -> bool:
    return detail.get("up") is True


def kills(run: Run) -> int:
    """How often an origin was killed for its memory, by the nano model or the kernel."""
    sources = [source for source in run.target.sources if source.startswith("origin-")]
    totals = [real_parts.kills(run, source) for source in sources]
    return int(np.nansum(totals)) if totals else 0
