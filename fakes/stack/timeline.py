"""Puts a scenario's faults in force at their times and lifts them, through the stack's control API."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, Protocol

from fakes.stack.handle import StackError

IMPOSSIBLE: Final = "not possible on this target"
POLL_INTERVAL: Final = 0.05


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

    def clear_fault(self, fault_id: str) -> int | None:
        """Lift it; how often its effect was observed, None if nobody can tell."""
        ...


class EventSink(Protocol):
    """Where it is written down (`telemetry.recording.event_log.EventLog`)."""

    def add(self, t: float, kind: str, name: str, **detail: Any) -> None:
        """Write one event at `t`."""
        ...


class Timeline:
    """Each fault's course: it begins at its time and ends at its time, whatever becomes of the others. Of one
    target, what ends at a moment has ended before what begins then.

    What happened is written down as events of kind `fault`, with the fault's `number` in the scenario and
    when it was due (`at`): `begins`, or `refused` with the `error`; `ends` with how often its effect was
    `observed`, or `not ended` with the `error`.
    """

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
        self._faults = tuple(faults)
        self._control = control
        self._log = log
        self._start_at = start_at
        self._clock = clock
        self._sleep = sleep
        self._active: dict[int, str] = {}
        self._lifting: set[int] = set()
        self._over = False

    def courses(self) -> list[Callable[[], None]]:
        """One a fault, to be run beside each other; each returns after the fault's last step."""
        return [partial(self._course, number) for number in range(len(self._faults))]

    def finish(self) -> None:
        """Lift what is still in force; returns when it is lifted, or nobody answers any more."""
        self._over = True
        for number in sorted(self._active.keys() - self._lifting):
            self._lift(number)
        while self._lifting:  # a course is at it
            self._sleep(POLL_INTERVAL)

    def _course(self, number: int) -> None:
        fault = self._faults[number]
        self._wait_until(fault.at)
        self._wait_for_ends(fault)
        if not self._over:
            self._begin(number)
        if fault.until is not None:
            self._wait_until(fault.until)
            if not self._over and number in self._active:
                self._lift(number)

    def _wait_until(self, t: float) -> None:
        while not self._over and (wait := self._start_at + t - self._clock()) > 0:
            self._sleep(wait)

    def _wait_for_ends(self, fault: TimedFault) -> None:
        before = [
            number
            for number, one in enumerate(self._faults)
            if one.target == fault.target and one.until is not None and one.until <= fault.at
        ]
        while not self._over and any(number in self._active for number in before):
            self._sleep(POLL_INTERVAL)

    def _begin(self, number: int) -> None:
        fault = self._faults[number]
        if self._control is None:
            self._note(number, IMPOSSIBLE, fault.at, **fault.params)
            return
        options = {} if fault.target is None else {"target": fault.target}
        try:
            self._active[number] = self._control.add_fault({"fault": fault.fault, **options, **fault.params})
        except (StackError, LookupError, ValueError) as error:
            self._note(number, "refused", fault.at, error=str(error))
        else:
            self._note(number, "begins", fault.at, **fault.params)

    def _lift(self, number: int) -> None:
        assert self._control is not None
        at = self._faults[number].until
        self._lifting.add(number)
        try:
            observed = self._control.clear_fault(self._active[number])
        except (StackError, LookupError, ValueError) as error:
            self._note(number, "not ended", at, error=str(error))
        else:
            self._note(number, "ends", at, observed=observed)
        finally:
            del self._active[number]
            self._lifting.discard(number)

    def _note(self, number: int, state: str, at: float | None, **detail: Any) -> None:
        """`at`: when it was due; None: with the run."""
        fault = self._faults[number]
        about = {"state": state, "number": number, "at": at, "target": fault.target, **detail}
        self._log.add(self._clock() - self._start_at, "fault", fault.fault, **about)
