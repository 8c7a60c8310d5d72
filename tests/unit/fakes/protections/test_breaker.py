from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.http.reasons import RefusedError
from fakes.protections.breaker import TABLE, Breaker, BreakerLimits, Breakers
from fakes.protections.gate import CallEnd
from fakes.settings import OriginSettings, StackSettings
from fakes.state_machine import IllegalEventError, Machine, diagram, states
from tests.support.manual_clock import ManualClock

SETTINGS = StackSettings(origin=OriginSettings(breaker_failures=3, breaker_probes=2))
LIMITS = BreakerLimits(failures=3, window=10.0, open_for=5.0, probes=2)


def call(breaker: Breaker, ended: CallEnd) -> None:
    breaker.leave(breaker.enter(), ended)


def tripped(clock: ManualClock, limits: BreakerLimits = LIMITS) -> Breaker:
    breaker = Breaker(limits, clock)
    for _ in range(limits.failures):
        call(breaker, CallEnd.FAILED)
    return breaker


@pytest.mark.parametrize("state", states(TABLE))
@pytest.mark.parametrize("event", ["trip", "cool", "heal", "nonsense"])
def test_events_outside_the_table_raise_and_change_nothing(state: str, event: str) -> None:
    machine = Machine(TABLE, state)
    if (state, event) in TABLE:
        assert machine.fire(event) == TABLE[state, event] == machine.state
    else:
        with pytest.raises(IllegalEventError, match=event):
            machine.fire(event)
        assert machine.state == state


def test_diagram_shows_every_transition() -> None:
    drawn = diagram(TABLE)
    assert drawn.count("-->") == len(TABLE)
    assert "closed --> open: trip" in drawn


def test_opens_after_failures_in_a_row_and_says_how_long() -> None:
    clock = ManualClock(0.0)
    breaker = tripped(clock)
    clock.now = 1.5
    with pytest.raises(RefusedError) as refused:
        breaker.enter()
    assert (breaker.state, refused.value.reason, refused.value.retry_after) == ("open", "breaker_open", 3.5)


def test_a_success_forgets_failures() -> None:
    breaker = Breaker(LIMITS, ManualClock(0.0))
    for ended in (
        CallEnd.FAILED,
        CallEnd.FAILED,
        CallEnd.OK,
        CallEnd.FAILED,
        CallEnd.FAILED,
    ):
        call(breaker, ended)
    assert breaker.state == "closed"


def test_an_abandoned_call_is_no_evidence() -> None:
    breaker = Breaker(LIMITS, ManualClock(0.0))
    for ended in (
        CallEnd.FAILED,
        CallEnd.ABANDONED,
        CallEnd.ABANDONED,
        CallEnd.FAILED,
        CallEnd.ABANDONED,
    ):
        call(breaker, ended)
    assert breaker.state == "closed"
    call(breaker, CallEnd.FAILED)
    assert breaker.state == "open"


def test_failures_older_than_the_window_do_not_count() -> None:
    clock = ManualClock(0.0)
    breaker = Breaker(LIMITS, clock)
    for now in (0.0, 1.0, 10.5):
        clock.now = now
        call(breaker, CallEnd.FAILED)
    assert breaker.state == "closed"
    clock.now = 10.6
    call(breaker, CallEnd.FAILED)
    assert breaker.state == "open"


def test_half_open_lets_only_probes_through_and_heals() -> None:
    clock = ManualClock(0.0)
    breaker = tripped(clock)
    clock.now = 5.0
    first, second = breaker.enter(), breaker.enter()
    with pytest.raises(RefusedError):
        breaker.enter()
    breaker.leave(first, CallEnd.OK)
    with pytest.raises(RefusedError):
        breaker.enter()
    breaker.leave(second, CallEnd.OK)
    assert breaker.state == "closed"


def test_a_failed_probe_opens_again_for_the_whole_time() -> None:
    clock = ManualClock(0.0)
    breaker = tripped(clock)
    clock.now = 7.0
    call(breaker, CallEnd.FAILED)
    clock.now = 11.9
    assert breaker.state == "open"
    clock.now = 12.0
    assert breaker.state == "half-open"


def test_an_abandoned_probe_frees_its_place() -> None:
    clock = ManualClock(0.0)
    breaker = tripped(clock, BreakerLimits(3, 10.0, 5.0, 1))
    clock.now = 5.0
    call(breaker, CallEnd.ABANDONED)
    call(breaker, CallEnd.OK)
    assert breaker.state == "closed"


def test_results_of_an_earlier_state_are_ignored() -> None:
    clock = ManualClock(0.0)
    breaker = Breaker(LIMITS, clock)
    late = [breaker.enter() for _ in range(5)]
    for _ in range(3):
        call(breaker, CallEnd.FAILED)
    clock.now = 5.0
    assert breaker.state == "half-open"
    for ticket, ended in zip(
        late,
        (
            CallEnd.OK,
            CallEnd.OK,
            CallEnd.OK,
            CallEnd.FAILED,
            CallEnd.FAILED,
        ),
        strict=True,
    ):
        breaker.leave(ticket, ended)
    assert breaker.state == "half-open"


def test_upstreams_do_not_share_a_breaker() -> None:
    breakers = Breakers(SETTINGS, ManualClock(0.0))
    for _ in range(3):
        breakers.leave(breakers.enter("u", "notion"), CallEnd.FAILED)
    with pytest.raises(RefusedError):
        breakers.enter("u", "notion")
    breakers.leave(breakers.enter("u", "jira"), CallEnd.OK)


def test_new_limits_hold_for_breakers_that_exist() -> None:
    breakers = Breakers(SETTINGS, ManualClock(0.0))
    breakers.leave(breakers.enter("u", "notion"), CallEnd.FAILED)
    breakers.configure(StackSettings(origin=OriginSettings(breaker_failures=1)))
    breakers.leave(breakers.enter("u", "notion"), CallEnd.FAILED)
    assert breakers.by_upstream["notion"].state == "open"


steps = st.lists(
    st.one_of(
        st.just("enter"),
        st.tuples(st.just("leave"), st.integers(0, 30), st.sampled_from(CallEnd)),
        st.tuples(st.just("wait"), st.floats(0, 8, allow_nan=False)),
    ),
    max_size=120,
)


@given(steps, st.integers(1, 3))
def test_never_more_probes_than_allowed_and_never_stuck(script: list[object], probes: int) -> None:
    clock = ManualClock(0.0)
    breaker = Breaker(BreakerLimits(3, 10.0, 5.0, probes), clock)
    out: list[tuple[Breaker, int]] = []
    for step in script:
        if step == "enter":
            state = breaker.state
            try:
                ticket = breaker.enter()
            except RefusedError:
                assert state != "closed"
                continue
            assert state != "open"
            out.append(ticket)
        elif isinstance(step, tuple) and step[0] == "leave" and out:
            breaker.leave(out.pop(step[1] % len(out)), step[2])
        elif isinstance(step, tuple) and step[0] == "wait":
            clock.now += step[1]
        assert 0 <= breaker._probing <= probes
        assert breaker._probing + breaker._healed <= probes
    for ticket in out:
        breaker.leave(ticket, CallEnd.ABANDONED)
    assert breaker._probing == 0
    clock.now += 5.0
    for _ in range(probes):
        call(breaker, CallEnd.OK)
    assert breaker.state == "closed"
