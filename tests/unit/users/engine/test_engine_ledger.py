"""The ledger of a loading process: what each call counts as, when it goes out and when it is over."""

from __future__ import annotations

import pytest

from telemetry.recording.sample import Flag, Outcome
from users.engine.ledger import LATE, Ledger
from users.transport.call import Call


def call(index: int = 0, delay: float = 0.0, flags: int = 0, outcome: Outcome | None = None) -> Call:
    made = Call(index, 10.0, 0, 0, 0)
    made.sent = 10.0 + delay
    made.flags = flags
    made.outcome = outcome
    return made


def counts(ledger: Ledger) -> dict[str, int]:
    line = ledger.line(0.0, 0, 0)
    return {name: value for name, value in line.items() if value and name != "cpu_s"}


def test_a_new_ledger_has_counted_nothing() -> None:
    assert counts(Ledger()) == {}


@pytest.mark.parametrize(("delay", "late"), [(-1.0, 0), (0.0, 0), (0.0625, 0), (0.0626, 1), (5.0, 1)])
def test_an_arrival_that_goes_out_is_sent_and_late_beyond_the_bound(delay: float, late: int) -> None:
    ledger = Ledger(late=0.0625)
    ledger.out(call(delay=delay))
    ledger.out(call(index=1))
    ledger.out(call(index=2, delay=delay))
    assert counts(ledger) == {"sent": 3, **({"late": 2 * late} if late else {})}


def test_the_bound_is_50_ms_unless_told() -> None:
    ledger = Ledger()
    ledger.out(call(delay=LATE + 0.001))
    ledger.out(call(delay=LATE - 0.001))
    assert (LATE, ledger.late) == (0.05, 1)


def test_a_call_beyond_the_schedule_is_marked_and_counted_apart_however_late() -> None:
    ledger = Ledger()
    beyond, again = call(index=-1, delay=9.0), call(index=-1, flags=Flag.RETRY | Flag.SSE)
    ledger.out(beyond)
    ledger.out(again)
    ledger.out(call(index=-1, flags=Flag.RETRY))
    assert beyond.flags == Flag.EXTRA
    assert again.flags == Flag.EXTRA | Flag.RETRY | Flag.SSE
    assert counts(ledger) == {"extra": 3, "retries": 2}
    for outcome in Outcome:
        ledger.over(call(index=-1, outcome=outcome))
    assert counts(ledger) == {"extra": 3, "retries": 2}


@pytest.mark.parametrize(
    ("outcome", "counted"),
    [
        (Outcome.OK, {"done": 2, "ok": 2}),
        (Outcome.FAILED, {"done": 2, "failed": 2}),
        (Outcome.ABORTED, {"done": 2, "aborted": 2}),
        (Outcome.DROPPED, {"dropped": 2}),
    ],
)
def test_what_an_arrival_counts_as_when_it_is_over(outcome: Outcome, counted: dict[str, int]) -> None:
    ledger = Ledger()
    for index in (0, 1):
        ledger.over(call(index=index, outcome=outcome))
    assert counts(ledger) == counted


def test_a_line_tells_the_time_what_was_planned_what_is_on_its_way_and_the_cpu_since_the_beginning() -> None:
    cpu = iter((3.0, 4.12345678))
    line = Ledger(cpu=lambda: next(cpu)).line(1.23456789, 7, 2)
    zero = ("sent", "dropped", "done", "ok", "failed", "aborted", "extra", "retries", "late")
    assert line == {
        "t": 1.234568,
        "planned": 7,
        "in_flight": 2,
        "cpu_s": 1.123457,
        **dict.fromkeys(zero, 0),
    }
