"""F1.3: how long until the balancer's health check notices that an origin is not well, and that it is again.

    noticed      failures_to_down × check_interval, within one interval (check_timeout later if it is silent)
    recovered    successes_to_up × check_interval, within one interval
    order        failing-over, split when the primary is down; recovering, primary when it is back

Times are from a fault's beginning or end to the balancer's own change of belief, both as the stack logged
them (`events.jsonl`, kinds `fault` and `state`). A fault of the database concerns both origins.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from verdicts.measure.calls import outcomes
from verdicts.measure.target import balancer_states, faults
from verdicts.points.point import BEFORE_MVP, Finding, Value, point
from verdicts.run.reading import Event, Run

ORIGINS: Final = ("origin-a", "origin-b")
SILENT: Final = ("process-frozen", "origin-stall")  # their checks fail only once check_timeout is over
PRIMARY: Final = ORIGINS[0]
# Faults that make an origin fail its check: the process that they name, or what the origin needs.
FAULTS: Final = ("process-down", "process-frozen", "db-down", "health-fail", "origin-stall", "origin-exit")
SLACK: Final = 0.1  # seconds: to kill a process takes time, and so does a check
OUTAGE: Final = ("failing-over", "split")
RETURN: Final = ("recovering", "primary")
DEFAULTS: Final = {
    "check_interval": 30.0, "check_timeout": 5.0, "failures_to_down": 3, "successes_to_up": 2,
}  # fmt: skip


class Change(NamedTuple):
    """A fault's beginning or end at one origin, and when the balancer believed it (None: never)."""

    what: str
    origin: str
    at: float
    noticed: float | None
    expected: float
    interval: float

    @property
    def took(self) -> float:
        """Seconds until it was noticed."""
        return math.nan if self.noticed is None else self.noticed - self.at

    @property
    def right(self) -> bool:
        """Within one interval of what the settings promise."""
        return abs(self.took - self.expected) <= self.interval + SLACK


class Outage(NamedTuple):
    """One fault that concerns origins; `until` is infinite where it was never lifted."""

    fault: str
    target: str
    start: float
    until: float

    @property
    def origins(self) -> tuple[str, ...]:
        """Whose health it touches."""
        return (self.target,) if self.target in ORIGINS else ORIGINS


@point(
    "F1.3",
    en="How long until the health check notices, and how does the balancer change state?",
    ja="ヘルスチェックは何秒で検知し、ロードバランサーの状態はどう変わるか",
    scenario="health",
    when=BEFORE_MVP,
    figures={"real": "s", "least": "s", "most": "s", "errors": ""},
    units={
        "s until an outage is noticed (longest, real time)": "s(障害検知まで、最長、実時間)",
    },
)
def health_check(run: Run) -> Finding:
    """Real seconds until each outage and each recovery is noticed, and the states gone through.

    `least` and `most`: within which the settings let an outage be noticed; `errors`: calls that failed from a
    primary's outage until it was noticed.
    """
    if faults.unmade(run):
        return Finding.unseen(faults.UNMADE)
    outages = list(_outages(run))
    if not outages:
        return Finding.unseen("No fault of the run concerns an origin's health.")
    if balancer_states.untold(run):
        return Finding.unseen(balancer_states.UNTOLD)
    if not any(event.kind == "state" and event.name == "health" for event in run.events):
        return _nothing_noticed(run, outages)
    changes = [change for outage in outages for change in _changes(run, outage)]
    wrong = [change for change in changes if not change.right]
    order = [_order(run, outage) for outage in outages if PRIMARY in outage.origins]
    disorder = [f"{' → '.join(states) or 'none'}" for states, right in order if not right]
    down = [change.took for change in changes if change.what.endswith("down")]
    scale, balancer = float(run.manifest.time_scale), _settings(run)
    interval, count = float(balancer["check_interval"]) * scale, int(balancer["failures_to_down"])
    silent = any(outage.fault in SILENT for outage in outages)
    answered = float(balancer["check_timeout"]) * scale if silent else 0.0
    figures = {
        **{"real": max(down, default=math.nan) * scale, "errors": float(_errors(run, changes))},
        **{"least": (count - 1) * interval, "most": count * interval + answered},
    }
    return Finding(
        round(figures["real"], 2),
        "s until an outage is noticed (longest, real time)",
        _evidence(changes, wrong, disorder, order) + _compressed(scale, max(down, default=math.nan)),
        figures,
        status="fail" if wrong or disorder else "pass",
        rows=tuple(_row(run, change) for change in changes),
    )


def _nothing_noticed(run: Run, outages: list[Outage]) -> Finding:
    if not run.manifest.bundled:
        return Finding.unseen("Not observed: the target does not show its balancer's states.")
    names = ", ".join(f"{one.fault} {one.target}" for one in outages)
    return Finding(None, "", f"The balancer changed no belief at all during {names}.", status="fail")


def _outages(run: Run) -> Iterator[Outage]:
    begun: dict[tuple[str, str], float] = {}
    for event in run.events:
        target = str(event.detail.get("target") or "")
        if event.kind != "fault" or event.name not in FAULTS or not _concerns(event.name, target):
            continue
        if event.detail.get("state") == "begins":
            begun[event.name, target] = event.t
        elif (start := begun.pop((event.name, target), None)) is not None:
            yield Outage(event.name, target, start, event.t)
    for (fault, target), start in begun.items():
        yield Outage(fault, target, start, math.inf)


def _concerns(fault: str, target: str) -> bool:
    return target in (*ORIGINS, "postgres") or (target == "" and not fault.startswith("process-"))


def _changes(run: Run, outage: Outage) -> Iterator[Change]:
    balancer = _settings(run)
    interval = float(balancer["check_interval"])
    for origin in outage.origins:
        down = _belief(run, origin, outage.start, outage.until, well=False)
        expected = balancer["failures_to_down"] * interval
        yield Change("down", origin, outage.start, down, expected, interval)
        if math.isfinite(outage.until):
            up = _belief(run, origin, outage.until, math.inf, well=True)
            yield Change("back", origin, outage.until, up, balancer["successes_to_up"] * interval, interval)


def _settings(run: Run) -> Mapping[str, Any]:
    return {**DEFAULTS, **run.manifest.settings("balancer")}


def _belief(run: Run, origin: str, start: float, until: float, *, well: bool) -> float | None:
    """When the balancer first took `origin` for well (or not) within [start, until]."""
    for event in _states(run, "health", start, until):
        if event.detail.get("origin") == origin and (event.detail.get("to") == "up") == well:
            return event.t
    return None


def _states(run: Run, name: str, start: float, until: float) -> list[Event]:
    found = [event for event in run.events if event.kind == "state" and event.name == name]
    return sorted((event for event in found if start <= event.t <= until), key=lambda event: event.t)


def _order(run: Run, outage: Outage) -> tuple[list[str], bool]:
    """(the balancer's states from the fault on until the next one, whether they are as they must be)."""
    later = [one.start for one in _outages(run) if one.start > outage.until]
    events = _states(run, "lb", outage.start, min(later, default=math.inf))
    states = [str(event.detail.get("to")) for event in events]
    expected = [*OUTAGE, *(RETURN if math.isfinite(outage.until) else ())]
    return states, states == expected


def _evidence(
    changes: list[Change], wrong: list[Change], disorder: list[str], order: list[tuple[list[str], bool]]
) -> str:
    interval = changes[0].interval
    said = "; ".join(
        f"{change.origin} {change.what} noticed after {change.took:.2f} s (expected {change.expected:g})"
        if change.noticed is not None
        else f"{change.origin} {change.what} never noticed"
        for change in changes
    )
    states = " | ".join(" → ".join(["primary", *found]) for found, _ in order)
    return (
        f"{len(changes) - len(wrong)} of {len(changes)} changes noticed within one interval ({interval:g} s) "
        f"of what the settings promise: {said}. States: {states or 'not concerned'}"
        f"{'; out of order: ' + ', '.join(disorder) if disorder else ''}."
    )


def _compressed(scale: float, took: float) -> str:
    return "" if scale == 1 else f" {took:.2f} s of the run are {took * scale:.1f} s of real time."


def _errors(run: Run, changes: list[Change]) -> int:
    """Calls that failed from the primary's going down until that was noticed; not while the database was."""
    both = {one.at for one in changes if one.origin != PRIMARY and one.what == "down"}
    mine = [one for one in changes if one.origin == PRIMARY and one.what == "down" and one.at not in both]
    planned = run.samples["planned"]
    return sum(
        outcomes.of(run, run.sent & (planned >= one.at) & (planned < (one.noticed or math.inf))).error_count
        for one in mine
    )


def _row(run: Run, change: Change) -> dict[str, Value]:
    until = change.at if change.noticed is None else change.noticed
    planned = run.samples["planned"]
    errors = outcomes.of(run, run.sent & (planned >= change.at) & (planned < until)).errors
    return {
        "origin": change.origin,
        "change": change.what,
        "at s": round(change.at, 2),
        "noticed after s": None if change.noticed is None else round(change.took, 3),
        "expected s": change.expected,
        "errors meanwhile": ", ".join(f"{reason} {count}" for reason, count in errors.items()) or "none",
    }
