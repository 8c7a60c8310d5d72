"""The limit that finds its own height: up with success, down with failure and slowness; one an upstream."""

from __future__ import annotations

from contextlib import suppress

import pytest

from fakes.http.reasons import RefusedError
from fakes.protections.adaptive_concurrency import AdaptiveConcurrency
from fakes.protections.gate import CallEnd
from fakes.settings import StackSettings
from tests.support.manual_clock import ManualClock


def rounds(gate: AdaptiveConcurrency, clock: ManualClock, count: int, lasts: float, ended: CallEnd) -> float:
    """So many rounds of as many calls as are let in; the limit then."""
    for _ in range(count):
        tickets = []
        with suppress(RefusedError):
            while True:
                tickets.append(gate.enter("u", "notion"))
        clock.now += lasts
        for ticket in tickets:
            gate.leave(ticket, ended)
    return gate.by_upstream["notion"].limit


def rounds_of_one(gate: AdaptiveConcurrency) -> None:
    for _ in range(21):
        gate.enter("u", "notion")


def test_success_lifts_it_by_about_one_a_round_up_to_the_most() -> None:
    clock = ManualClock()
    gate = AdaptiveConcurrency(StackSettings(), clock)
    assert rounds(gate, clock, 20, 3.0, CallEnd.OK) == pytest.approx(30, abs=2)  # half of each round lifts it
    most = StackSettings.model_validate({"protections": {"adaptive-concurrency": {"most": 25}}})
    gate.configure(most)
    assert rounds(gate, clock, 40, 3.0, CallEnd.OK) == 25


@pytest.mark.parametrize("ended", [CallEnd.FAILED, CallEnd.ABANDONED])
def test_failure_lowers_it_once_a_round_down_to_the_least(ended: CallEnd) -> None:
    clock = ManualClock()
    gate = AdaptiveConcurrency(StackSettings(), clock)
    high = rounds(gate, clock, 5, 3.0, CallEnd.OK)
    assert rounds(gate, clock, 1, 3.0, ended) == pytest.approx(0.9 * high)
    assert rounds(gate, clock, 60, 3.0, ended) == 5


def test_slowness_lowers_it_too() -> None:
    clock = ManualClock()
    gate = AdaptiveConcurrency(StackSettings(), clock)
    high = rounds(gate, clock, 10, 1.0, CallEnd.OK)
    assert rounds(gate, clock, 1, 2.5, CallEnd.OK) < 0.95 * high  # once; then that is the usual time


def test_where_little_of_it_is_used_it_does_not_grow() -> None:
    clock = ManualClock()
    gate = AdaptiveConcurrency(StackSettings(), clock)
    for _ in range(200):
        ticket = gate.enter("u", "notion")
        clock.now += 1
        gate.leave(ticket, CallEnd.OK)
    assert gate.by_upstream["notion"].limit == 20
    with pytest.raises(RefusedError) as refused:
        rounds_of_one(gate)
    assert refused.value.reason == "adaptive_concurrency_exceeded"


def test_upstreams_do_not_share_it_and_it_begins_anew() -> None:
    clock = ManualClock()
    gate = AdaptiveConcurrency(StackSettings(), clock)
    for _ in range(20):
        gate.enter("u", "notion")
    ticket = gate.enter("u", "jira")
    gate.forget()
    gate.enter("u", "notion")
    gate.leave(ticket, CallEnd.OK)
    assert gate.by_upstream["notion"].running == 1
