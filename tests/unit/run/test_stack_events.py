"""What the stack noted of a run comes into the run's events; who told nothing is named there."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from fakes.stack.handle import StackError
from run import gather

BUSY = {"up": True, "error": "no answer: HopTimeout"}


class Log:
    def __init__(self) -> None:
        self.lines: list[tuple[str, str, dict[str, Any]]] = []

    def add(self, t: float, kind: str, name: str, **detail: Any) -> None:
        self.lines.append((kind, name, detail))


class Stack:
    """Tells one state after the other, the last for ever."""

    def __init__(self, *told: dict[str, Any]) -> None:
        self._told = list(told)
        self.asked = 0

    def state(self) -> dict[str, Any]:
        self.asked += 1
        if not self._told:
            raise StackError("no answer")
        return {"processes": {"edge": self._told.pop(0) if len(self._told) > 1 else self._told[0]}}


def written(stack: Stack) -> tuple[list[tuple[str, str, dict[str, Any]]], list[str]]:
    log, said = Log(), list[str]()
    state: Any = SimpleNamespace(stack=stack, start_at=100.0, say=said.append)
    load: Any = SimpleNamespace(events=log)
    gather._write_stack_events(state, load)
    return log.lines, said


def noted(t: float, to: str) -> dict[str, Any]:
    return {"t": t, "kind": "state", "name": "lb", "detail": {"to": to}}


def test_what_an_ended_process_had_noted_is_there_beside_what_it_noted_since() -> None:
    edge = {"up": True, "kept_events": [noted(101, "split")], "own": {"events": [noted(103, "primary")]}}
    lines, said = written(Stack(edge))
    assert lines == [("state", "lb", {"to": "split"}), ("state", "lb", {"to": "primary"})]
    assert said == []


def test_one_that_is_busy_is_asked_again() -> None:
    stack = Stack(BUSY, BUSY, {"up": True, "own": {"events": [noted(101, "split")]}})
    assert written(stack) == ([("state", "lb", {"to": "split"})], [])
    assert stack.asked == 3


def test_one_that_stays_silent_is_said_and_an_event() -> None:
    stack = Stack(BUSY)
    lines, said = written(stack)
    assert lines == [("run", "untold", {"process": "edge"})]
    assert said == ["edge gave no answer: what it noted is missing"]
    assert stack.asked == 1 + gather.ASKED_AGAIN


def test_so_is_a_stack_that_is_gone() -> None:
    lines, said = written(Stack())
    assert lines == [("run", "untold", {"process": "stack"})]
    assert said[0] == "the stack's own events are missing: no answer"
