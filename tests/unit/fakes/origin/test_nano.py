from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.origin.nano import LIFECYCLE, CpuBucket, Nano, capacity, goroutines, memory_bytes
from fakes.settings import NanoSettings
from fakes.state_machine import IllegalEventError, Machine

KIB = 1024


class World:
    """A clock, timers and what the instance did."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[tuple[float, Callable[[], None]]] = []
        self.events: list[str] = []

    def clock(self) -> float:
        return self.now

    def later(self, delay: float, call: Callable[[], None]) -> None:
        self.timers.append((self.now + delay, call))

    def advance(self, seconds: float) -> None:
        self.now += seconds
        due = [call for at, call in self.timers if at <= self.now]
        self.timers = [timer for timer in self.timers if timer[0] > self.now]
        for call in due:
            call()

    def nano(self, settings: NanoSettings) -> Nano:
        return Nano(
            settings, self.clock, self.later, self.events.append,
            lambda: self.events.append("start"),
        )  # fmt: skip


def room_for(calls: int, **more: float) -> NanoSettings:
    """Settings under which one call more than `calls` is too much."""
    limit = memory_bytes(NanoSettings(), calls)
    return NanoSettings.model_validate({"memory_limit": limit, "restart": 10.0, **more})


def test_memory_is_base_plus_goroutines() -> None:
    settings = NanoSettings(goroutines_base=20, goroutines_per_call=2)
    assert goroutines(settings, 1500) == 3020
    assert memory_bytes(settings, 1500) == 40 * KIB * KIB + 3020 * 18 * KIB


def test_capacity_names_the_limit_that_comes_first() -> None:
    settings = NanoSettings()
    bears = capacity(settings, 3.0)
    assert memory_bytes(settings, bears.calls_by_memory) <= settings.memory_limit
    assert memory_bytes(settings, bears.calls_by_memory + 1) > settings.memory_limit
    assert bears.rate_by_cpu == pytest.approx(1000)
    assert bears.first == "cpu"
    assert capacity(settings, 30.0).first == "memory"
    assert capacity(settings.model_copy(update={"cpu_enforced": False}), 3.0).first == "memory"
    assert capacity(settings, 0.0).first == "cpu"


@pytest.mark.parametrize("state", ["running", "killed", "restarting"])
@pytest.mark.parametrize("event", ["out-of-memory", "cleared", "ready"])
def test_the_lifecycle_knows_three_transitions(state: str, event: str) -> None:
    machine = Machine(LIFECYCLE, state)
    if (state, event) in LIFECYCLE:
        machine.fire(event)
    else:
        with pytest.raises(IllegalEventError):
            machine.fire(event)
        assert machine.state == state


def test_over_the_limit_it_is_killed_and_comes_back() -> None:
    world = World()
    nano = world.nano(room_for(2))
    assert [nano.enter(), nano.enter()] == [0.0, 0.0]
    assert nano.enter() is None
    assert (nano.state, world.events, nano.memory, nano.goroutines) == ("killed", ["memory"], 0, 0)
    assert nano.enter() is None
    world.advance(1)
    nano.leave()
    assert nano.state == "killed"
    nano.leave()
    assert nano.state == "restarting"
    assert nano.enter() is None
    world.advance(8.9)
    assert nano.state == "restarting"
    world.advance(0.2)
    assert (nano.state, nano.kills, nano.calls, world.events) == ("running", 1, 0, ["memory", "start"])
    assert nano.enter() == 0.0


def test_a_kill_with_nothing_in_flight_restarts_after_the_set_time() -> None:
    world = World()
    nano = world.nano(room_for(-1))
    assert nano.enter() is None
    assert nano.state == "restarting"
    world.advance(10)
    assert nano.state == "running"


def test_the_bucket_bears_a_burst_and_then_the_rate() -> None:
    world = World()
    bucket = CpuBucket(NanoSettings(cpu_share=0.1, cpu_burst=0.01, cpu_per_request=0.001), world.clock)
    assert [bucket.spend() for _ in range(10)] == pytest.approx([0.0] * 10)
    assert [bucket.spend() for _ in range(3)] == pytest.approx([0.01, 0.02, 0.03])
    world.now += 0.025
    assert bucket.queue_now() == pytest.approx(0.005)
    world.now += 100
    assert bucket.spend() == 0.0
    assert bucket.spent == pytest.approx(0.014)


def test_cpu_that_is_not_enforced_is_counted_only() -> None:
    bucket = CpuBucket(NanoSettings(cpu_enforced=False, cpu_per_request=1.0), World().clock)
    assert [bucket.spend() for _ in range(5)] == [0.0] * 5
    assert bucket.spent == 5.0


def test_a_restart_empties_the_queue() -> None:
    world = World()
    nano = world.nano(room_for(3, cpu_per_request=1.0, cpu_burst=0.0))
    assert [nano.enter() for _ in range(3)] == pytest.approx([10.0, 20.0, 30.0])
    assert nano.enter() is None
    for _ in range(3):
        nano.leave()
    world.advance(10)
    assert nano.enter() == pytest.approx(10.0)


@given(st.lists(st.floats(0, 0.05), max_size=200), st.floats(0.0001, 0.01), st.floats(0, 0.05))
def test_the_queue_is_first_in_first_out_and_never_beats_the_share(
    gaps: list[float], cost: float, burst: float
) -> None:
    world = World()
    bucket = CpuBucket(NanoSettings(cpu_share=0.1, cpu_burst=burst, cpu_per_request=cost), world.clock)
    starts = []
    for gap in gaps:
        world.now += gap
        starts.append(world.now + bucket.spend())
    assert all(later >= earlier - 1e-9 for earlier, later in pairwise(starts))
    for number, start in enumerate(starts, 1):
        assert number * cost <= burst + 0.1 * start + 1e-9


@given(st.lists(st.sampled_from(["enter", "leave", "wait"]), max_size=300), st.integers(0, 5))
def test_calls_are_never_lost_and_it_always_comes_back(script: list[str], room: int) -> None:
    world = World()
    nano = world.nano(room_for(room, cpu_enforced=False))
    inside = 0
    for step in script:
        if step == "enter" and nano.enter() is not None:
            inside += 1
        elif step == "leave" and inside:
            inside -= 1
            nano.leave()
        elif step == "wait":
            world.advance(3.0)
        assert nano.calls == inside <= max(room, 0)
    for _ in range(inside):
        nano.leave()
    world.advance(10.0)
    assert (nano.state, nano.calls) == ("running", 0)
