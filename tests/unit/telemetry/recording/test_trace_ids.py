"""Ids of traces: by arithmetic from run and arrival, valid, never two alike."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from telemetry.recording.sample import MOST_ATTEMPTS, of_intent
from telemetry.recording.trace_ids import TraceIds, arrival_trace, run_half, run_trace, spread
from users.transport.call import Call

HALF = "00112233aabbccdd"
IDS = TraceIds(HALF)
FORM = re.compile(rb"00-([0-9a-f]{32})-([0-9a-f]{16})-01")
NUMBERS = st.integers(0, 2**64 - 1)


def ids(index: int, *, account: int = 3, request_id: int = 7, attempt: int = 0) -> tuple[str, str]:
    call = Call(index, 0.0, account, 0, 0)
    call.request_id, call.attempt = request_id, attempt
    found = FORM.fullmatch(IDS.of(call))
    assert found is not None
    return found[1].decode(), found[2].decode()


@given(st.integers(0, 2**40))
def test_an_arrival_finds_its_trace_and_has_one_of_the_form(arrival: int) -> None:
    trace, span = ids(arrival)
    assert trace == arrival_trace(HALF, arrival)
    assert int(span, 16)


@given(st.integers(0, 2**40), st.integers(1, MOST_ATTEMPTS))
def test_repeats_are_other_spans_of_its_trace(arrival: int, attempt: int) -> None:
    first, again = ids(arrival), ids(of_intent(arrival), request_id=9, attempt=attempt)
    assert first[0] == again[0]
    assert first[1] != again[1]
    assert int(again[1], 16)


@given(NUMBERS, NUMBERS)
def test_no_two_numbers_have_one_id(one: int, other: int) -> None:
    assert (spread(one) == spread(other)) == (one == other)
    assert 0 <= spread(one) < 2**64


def test_run_arrivals_and_calls_beyond_them_have_traces_of_their_own() -> None:
    found = [run_trace(HALF), *(ids(index)[0] for index in range(1000))]
    found += [ids(-1, account=account, request_id=n)[0] for account in (0, 1) for n in range(100)]
    assert len(set(found)) == len(found)
    assert all(trace.startswith(HALF) for trace in found)


def test_a_run_has_its_own_half_an_older_one_too() -> None:
    assert run_half(HALF, "burst", 1.0) == HALF
    assert len({run_half("", name, wall) for name in ("burst", "other") for wall in (1.0, 2.0)}) == 4
    assert re.fullmatch(r"[0-9a-f]{16}", run_half("", "burst", 1.0))


def test_a_samplers_share_of_the_ids_is_even() -> None:
    """By the low half, as samplers take it: a tenth of the arrivals in a row is near a tenth."""
    kept = sum(int(ids(index)[0][16:], 16) < 2**64 // 10 for index in range(5000))
    assert 450 <= kept <= 550
