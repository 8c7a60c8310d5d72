"""Faults by their times: each its own course, and everything that happened written down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from fakes.stack.handle import StackError
from fakes.stack.timeline import Timeline


@dataclass
class Fault:
    at: float
    until: float | None
    fault: str
    target: str | None = None
    params: dict[str, Any] = field(default_factory=dict)


class Control:
    """Refuses faults named `refused`, and never lifts those named `stuck`."""

    def __init__(self) -> None:
        self.said: list[tuple[str, Any]] = []

    def add_fault(self, fault: dict[str, Any]) -> str:
        self.said.append(("add", fault))
        if fault["fault"] == "refused":
            raise StackError("process: upstream is down")
        return f"id-{fault['fault']}"

    def clear_fault(self, fault_id: str) -> int:
        self.said.append(("clear", fault_id))
        if fault_id == "id-stuck":
            raise StackError("did not come back")
        return 12


class Log:
    def __init__(self) -> None:
        self.events: list[tuple[float, str, dict[str, Any]]] = []

    def add(self, t: float, kind: str, name: str, **detail: Any) -> None:
        assert kind == "fault"
        self.events.append((t, name, detail))

    @property
    def states(self) -> list[tuple[str, str]]:
        return [(name, detail["state"]) for _, name, detail in self.events]


class Rig:
    def __init__(self, *faults: Fault, control: Control | None = None) -> None:
        self.now = 100.0
        self.meanwhile: Callable[[], None] = lambda: None
        self.log, self.control = Log(), control or Control()
        self.timeline = Timeline(
            faults, self.control, self.log, 100.0, clock=lambda: self.now, sleep=self._sleep
        )

    def _sleep(self, seconds: float) -> None:
        self.now += seconds
        self.meanwhile()


def test_a_fault_begins_and_ends_at_its_times() -> None:
    rig = Rig(Fault(2, 5, "slow", "notion", {"factor": 3}))
    (course,) = rig.timeline.courses()
    course()
    about = {"number": 0, "target": "notion"}
    assert rig.log.events == [
        (2, "slow", {**about, "state": "begins", "at": 2, "factor": 3}),
        (5, "slow", {**about, "state": "ends", "at": 5, "observed": 12}),
    ]
    assert rig.control.said[0] == ("add", {"fault": "slow", "target": "notion", "factor": 3})


@pytest.mark.parametrize(
    ("target", "order"),
    [
        ("notion", [("stall", "begins"), ("stall", "ends"), ("error", "begins"), ("error", "ends")]),
        ("jira", [("stall", "begins"), ("error", "begins"), ("stall", "ends"), ("error", "ends")]),
    ],
)
def test_of_one_target_what_ends_has_ended_before_what_begins_then(
    target: str, order: list[tuple[str, str]]
) -> None:
    rig = Rig(Fault(1, 3, "stall", "notion"), Fault(3, 4, "error", target))
    rig.timeline._begin(0)

    def lift_late() -> None:
        if rig.now > 103 and 0 in rig.timeline._active:
            rig.timeline._lift(0)

    rig.meanwhile = lift_late
    rig.timeline.courses()[1]()
    assert rig.log.states == order


def test_one_that_is_refused_is_written_down_and_stops_no_other() -> None:
    rig = Rig(Fault(1, 2, "refused"), Fault(3, 4, "slow"))
    for course in rig.timeline.courses():
        course()
    assert rig.log.states == [("refused", "refused"), ("slow", "begins"), ("slow", "ends")]
    assert rig.log.events[0][2]["error"] == "process: upstream is down"


def test_one_that_does_not_end_is_written_down() -> None:
    rig = Rig(Fault(1, 2, "stuck"))
    rig.timeline.courses()[0]()
    assert rig.log.states == [("stuck", "begins"), ("stuck", "not ended")]
    rig.timeline.finish()
    assert len(rig.control.said) == 2


@pytest.mark.parametrize("until", [None, 50])
def test_what_is_still_in_force_is_lifted_with_the_run(until: float | None) -> None:
    rig = Rig(Fault(1, until, "slow"))
    rig.timeline._begin(0)
    rig.timeline.finish()
    assert rig.log.states == [("slow", "begins"), ("slow", "ends")]


def test_nothing_begins_once_the_run_is_over() -> None:
    rig = Rig(Fault(1, 2, "slow"))
    rig.timeline.finish()
    rig.timeline.courses()[0]()
    assert rig.control.said == []


def test_where_nothing_can_be_made_that_is_said() -> None:
    log = Log()
    timeline = Timeline(
        [Fault(0, 1, "slow", "notion")], None, log, 0.0, clock=lambda: 5.0, sleep=lambda s: None
    )
    timeline.courses()[0]()
    assert log.states == [("slow", "not possible on this target")]
