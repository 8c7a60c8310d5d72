"""A stack that others keep up: a run on it begins once every process has been told."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.stack import attach
from fakes.stack.handle import StackError


class Stack:
    """Tells one list of stale processes after the other, the last for ever."""

    def __init__(self, *stale: list[str]) -> None:
        self.stale = list(stale)
        self.processes: dict[str, Any] = {"edge": {"up": True}}

    def state(self) -> dict[str, Any]:
        stale = self.stale.pop(0) if len(self.stale) > 1 else self.stale[0]
        return {"stale": stale, "processes": self.processes}


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(attach, "time", made)
    return made


def test_it_waits_until_everybody_was_told(clock: Clock) -> None:
    attach.wait_for_all(Stack(["origin-a"], ["origin-a"], []))
    assert clock.now == pytest.approx(2 * attach.POLL_INTERVAL)


def test_one_that_is_never_told_is_no_stack_for_a_run(clock: Clock) -> None:
    with pytest.raises(StackError, match=r"STACK_STATE: edge, origin-a did not obey; allowed: a stack"):
        attach.wait_for_all(Stack(["edge", "origin-a"]))
    assert clock.now == pytest.approx(attach.OBEYED, abs=2 * attach.POLL_INTERVAL)


@pytest.mark.parametrize("process", [{"up": False}, {"up": True, "frozen": True}])
def test_a_stack_with_a_process_that_is_down_is_no_stack_for_a_run(
    clock: Clock, process: dict[str, Any]
) -> None:
    stack = Stack([])
    stack.processes["origin-b"] = process
    with pytest.raises(StackError, match=r"^STACK_STATE: origin-b is down; allowed: "):
        attach.wait_for_all(stack)
