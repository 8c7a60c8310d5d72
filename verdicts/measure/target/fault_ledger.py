"""The fault ledger: planned = begun = ended, each in time, and each with an effect that was observed.

A run whose faults did not happen as planned proves nothing about them. A fault of an upstream to which the
gateway let nobody meanwhile (its breaker was open) had nothing to change. Planned are those that were due
before the run's end or stop. Where the target cannot be faulted at all none was planned: points about faults
are then `info` (`verdicts.measure.target.faults`). The events are `fakes.stack.timeline`'s.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from verdicts.measure.calls import outcomes
from verdicts.measure.target import faults
from verdicts.run.reading import Event, Run

MAX_LATE: Final = 0.5  # seconds from when a fault was due, or its end, to when it was so
UPSTREAM: Final = "upstream-"  # names of faults of an upstream begin so
KEPT_AWAY: Final = ("breaker_open",)  # refusals before the upstream, for its own sake
RESTARTS: Final = ("process-down",)  # to lift it is to start a process again, which is part of the recovery


@dataclass(frozen=True)
class FaultEntry:
    """One fault; times in seconds since start, None: it did not happen. `until` None: with the run."""

    name: str
    target: str | None
    due: float
    until: float | None = None
    begun: float | None = None
    ended: float | None = None
    observed: int | None = 0  # None: nobody could tell
    error: str = ""
    optional: bool = False  # the scenario says that it may have no effect
    kept_away: bool = False  # calls to it came, and the gateway let none of them through

    @property
    def problem(self) -> str:
        """Why it proves nothing; "" where it happened as planned."""
        if self.begun is None:
            return f"{self} was not made: {self.error or 'no word of it'}"
        if self.begun - self.due > MAX_LATE:
            return f"{self} came {self.begun - self.due:.1f} s late"
        if self.ended is None:
            return f"{self} did not end: {self.error or 'no word of it'}"
        if self.overtime > MAX_LATE:
            return f"{self} was lifted {self.overtime:.1f} s late"
        if self.observed or self.optional or self.kept_away:
            return ""
        unknown = self.observed is None
        how = "ended, and nobody could tell its effect" if unknown else "had no effect that was observed"
        return f"{self} {how}"

    @property
    def overtime(self) -> float:
        """Seconds for which it was in force beyond its end; 0 where that cannot be told."""
        if self.ended is None or self.until is None or self.name in RESTARTS:
            return 0.0
        return self.ended - self.until

    def __str__(self) -> str:
        of = f" of {self.target}" if self.target else ""
        return f"the fault {self.name}{of} at {self.due:g} s"


@dataclass(frozen=True)
class FaultLedger:
    """All faults of a run, in the scenario's order."""

    entries: tuple[FaultEntry, ...] = field(default_factory=tuple)

    def counts(self) -> dict[str, int]:
        """As `faults` in verdicts.json."""
        return {
            "planned": len(self.entries),
            "begun": sum(one.begun is not None for one in self.entries),
            "ended": sum(one.ended is not None for one in self.entries),
            "observed": sum(bool(one.observed) for one in self.entries),
        }

    def problems(self) -> tuple[str, ...]:
        """Every reason why the faults prove nothing."""
        return tuple(one.problem for one in self.entries if one.problem)


def of(run: Run) -> FaultLedger:
    """The ledger of a run; empty where nothing could be made, and for runs older than it."""
    if faults.unmade(run):
        return FaultLedger()
    told = [event for event in run.events if event.kind == "fault"]
    if told and not any("number" in event.detail for event in told):
        return FaultLedger()
    return FaultLedger(tuple(_entries(run, told)))


def _entries(run: Run, told: list[Event]) -> Iterator[FaultEntry]:
    for number, fault in enumerate(run.scenario.get("faults", ())):
        if fault["at"] < run.load_end or run.stopped_at is None:
            yield _entry(run, fault, [event for event in told if event.detail.get("number") == number])


def _entry(run: Run, fault: dict[str, Any], told: list[Event]) -> FaultEntry:
    states = {event.detail["state"]: event for event in told}
    begins, ends = states.get("begins"), states.get("ends")
    return FaultEntry(
        fault["fault"],
        fault.get("target"),
        float(fault["at"]),
        until=None if fault.get("until") is None else float(fault["until"]),
        begun=begins.t if begins else None,
        ended=ends.t if ends else None,
        observed=ends.detail.get("observed", 0) if ends else 0,
        error=next((str(event.detail["error"]) for event in told if "error" in event.detail), ""),
        optional=fault.get("effect") == "optional",
        kept_away=_kept_away(run, fault, begins, ends),
    )


def _kept_away(run: Run, fault: dict[str, Any], begins: Event | None, ends: Event | None) -> bool:
    if begins is None or ends is None or ends.detail.get("observed") != 0:
        return False
    if not fault["fault"].startswith(UPSTREAM):
        return False
    tools = {name for name in run.manifest.tools if fault.get("target") in (None, name.partition(".")[0])}
    sent = run.samples["sent"]
    calls = run.out & run.of_tools(tools) & (sent >= begins.t) & (sent < ends.t)
    return bool(calls.any()) and not (calls & ~outcomes.failed_by(run, KEPT_AWAY)).any()
