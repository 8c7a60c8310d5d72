"""What `Date` tells of a target's clock: bounds that hold, and grow narrower."""

from __future__ import annotations

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from users.mcp.target_clock import TargetClock
from users.transport.call import Call

START = 1000.0  # monotonic
ZERO = 1_800_000_000.25  # what the target's clock says then


def answer(sent: float, done: float, at: float, stale: float = 0.0) -> Call:
    """Sent and done since the start; the target writes its date `at` a moment between them."""
    call = Call(0, 0.0, 0, 0, 0)
    call.sent, call.done = START + sent, START + done
    call.headers = {b"date": formatdate(int(ZERO + at - stale), usegmt=True).encode()}
    return call


@given(st.lists(st.tuples(st.floats(0, 50), st.floats(0, 0.5), st.floats(0, 1), st.floats(0, 1)), min_size=1))
def test_the_clock_is_always_within_its_bounds(calls: list[tuple[float, float, float, float]]) -> None:
    """However long calls take, and though a server may write one date for up to a second too long."""
    clock = TargetClock()
    for sent, took, place, stale in calls:
        clock.hear(answer(sent, sent + took, sent + took * place, stale), START)
    assert clock.least - 1e-6 <= ZERO <= clock.most + 1e-6


def test_many_answers_leave_one_second() -> None:
    clock = TargetClock()
    for n in range(400):
        clock.hear(answer(n * 0.037, n * 0.037 + 0.002, n * 0.037 + 0.001), START)
    line = clock.line()
    assert line["target_least"] == pytest.approx(ZERO, abs=0.05)
    assert line["target_most"] == pytest.approx(ZERO + 1, abs=0.05)


def test_without_a_date_or_with_two_clocks_nothing_is_told() -> None:
    clock = TargetClock()
    nothing = Call(0, 0.0, 0, 0, 0)
    clock.hear(nothing, START)
    nothing.headers = {b"date": b"yesterday"}
    clock.hear(nothing, START)
    assert clock.line() == {}
    clock.hear(answer(0, 0.1, 0.05), START)
    assert clock.line()
    clock.hear(answer(0, 0.1, 9.05), START)
    assert clock.line() == {}
