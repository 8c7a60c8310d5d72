"""Puts a scenario's faults in force at their times and lifts them, through the stack's control API."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol


class TimedFault(Protocol):
    """What is read of a scenario's fault; times in seconds since start."""

    @property
    def at(self) -> float:
        """When it begins."""
        ...

    @property
    def until(self) -> float | None:
        """When it ends; None: with the run."""
        ...

    @property
    def fault(self) -> str:
        """Its name."""
        ...

    @property
    def target(self) -> str | None:
        """What it is for."""
        ...

    @property
    def params(self) -> dict[str, Any]:
        """Its own parameters."""
        ...


class FaultControl(Protocol):
    """The part of `fakes.stack.handle.StackHandle` that faults need."""

    def add_fault(self, fault: dict[str, Any]) -> str:
        """Put a fault in force; gives its id."""
        ...

    def clear_fault(self, fault_id: str) -> None:
        """Lift it."""
        ...


class EventSink(Protocol):
    """Where it is written down (`telemetry.recording.event_log.EventLog`)."""

    def add(self, t: float, kind: str, name: str, **detail: Any) -> None:
        """Write one event at `t`."""
        ...


class Timeline:
    """Every fault's beginning and end, in order of time."""

    def __init__(
        self,
        faults: Sequence[TimedFault],
        control: FaultControl | None,
        log: EventSink,
        start_at: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`start_at` is monotonic seconds. Without a control the faults are only logged as not possible."""
        self._control = control
        self._log = log
        self._start_at = start_at
        self._clock = clock
        self._sleep = sleep
        self._active: dict[int, str] = {}
        steps = [(fault.at, True, number, fault) for number, fault in enumerate(faults)]
        steps += [(fault.until, False, n, fault) for n, fault in enumerate(faults) if fault.until is not None]
        self._steps = sorted(steps, key=lambda step: (step[0], step[1], step[2]))

    def run(self) -> None:
        """Go through the timeline; returns after its last step."""
        for at, begins, number, fault in self._steps:
            while (wait := self._start_at + at - self._clock()) > 0:
                self._sleep(wait)
            if begins:
                self._begin(number, fault)
            else:
                self._lift(number, fault)

    def finish(self) -> None:
        """Lift what is still in force."""
        if self._control is not None:
            for number in list(self._active):
                self._control.clear_fault(self._active.pop(number))

    def _begin(self, number: int, fault: TimedFault) -> None:
        detail = {"target": fault.target, **fault.params}
        if self._control is None:
            self._log.add(self._now(), "fault", fault.fault, state="not possible on this target", **detail)
            return
        body = {"fault": fault.fault, **{key: value for key, value in detail.items() if value is not None}}
        self._active[number] = self._control.add_fault(body)
        self._log.add(self._now(), "fault", fault.fault, state="begins", **detail)

    def _lift(self, number: int, fault: TimedFault) -> None:
        if self._control is not None and number in self._active:
            self._control.clear_fault(self._active.pop(number))
            self._log.add(self._now(), "fault", fault.fault, state="ends", target=fault.target)

    def _now(self) -> float:
        return self._clock() - self._start_at
