"""`max_rps` held call by call, on a clock of the test's own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shapes.schedule import Schedule, peak
from telemetry.recording.sample import NO_ROOM
from tests.support.manual_clock import ManualClock
from users.engine.dispatcher import Dispatcher
from users.engine.pace import POLL_INTERVAL, TURN_TIMEOUT, Pace, PaceShare, check_workers, pace_shares


def schedule(planned: list[float], accounts: int = 1) -> Schedule:
    count = len(planned)
    account = (np.arange(count) % accounts).astype(np.uint32)
    zeros = np.zeros(count, dtype=np.uint32)
    return Schedule(np.array(planned), account, zeros.astype(np.uint8), zeros)


def rig(
    share: PaceShare, start: float = 1000.0, max_duration: float | None = None
) -> tuple[Pace, ManualClock, list[float]]:
    """A pace that notes what goes out; the list is its times."""
    clock = ManualClock(1000.0)
    pace = Pace(max_duration, clock=clock, sleep=clock.sleep)
    pace.share, pace.start = share, start
    return pace, clock, []


def most(times: list[float], window: float = 1.0) -> int:
    return peak(np.array(sorted(times)), window)


def asked(pace: Pace, clock: ManualClock, out: list[float], count: int) -> None:
    """Ask for so many extra calls now."""

    def go() -> None:
        out.append(clock())
        pace.sent(clock(), True)

    for _ in range(count):
        pace.turn(go)


def let_run(pace: Pace, clock: ManualClock, until: float) -> None:
    while clock() < until:
        clock.sleep(max(0.01, pace.step()))


def test_arrivals_that_bunch_up_wait_for_their_turn() -> None:
    pace, clock, out = rig(PaceShare(10, 10, 1.0))
    plan = schedule([n / 10 for n in range(40)])
    paused = [False]

    def deal(index: int, planned: float, account: int, group: int, draw: int) -> None:
        if index == 15 and not paused[0]:
            paused[0] = True
            clock.sleep(0.7)  # the machine stood still
        pace.sent(clock(), False)
        out.append(clock())

    share = np.arange(40, dtype=np.int64)
    drop = lambda *arguments: None  # noqa: E731
    Dispatcher(plan, share, 1000.0, deal, drop, clock=clock, sleep=clock.sleep, room=pace.wait).run()
    assert most(out) <= 10
    assert len(out) == 40


def test_extra_calls_get_what_the_plan_leaves() -> None:
    pace, clock, out = rig(PaceShare(12, 10, 1.0))
    asked(pace, clock, out, 100)
    let_run(pace, clock, 1004.5)
    assert most(out) == 2
    assert len(out) == 10


def test_before_load_starts_all_of_it_is_theirs() -> None:
    pace, clock, out = rig(PaceShare(12, 10, 1.0), start=1010.0)
    asked(pace, clock, out, 30)
    let_run(pace, clock, 1004.0)
    assert len(out) == 30
    assert most(out) == 12


def test_what_found_no_room_in_time_is_never_made() -> None:
    pace, clock, out = rig(PaceShare(10, 10, 1.0))
    asked(pace, clock, out, 5)
    let_run(pace, clock, 1000 + TURN_TIMEOUT + 3)
    assert out == []
    assert pace.step() > 0
    assert not pace._waiting


@pytest.mark.parametrize(
    ("max_duration", "reason", "at"), [(None, NO_ROOM, 1000 + TURN_TIMEOUT), (3.0, "stopped", 1003.0)]
)
def test_whoever_wanted_it_is_told_why_it_is_never_made(
    max_duration: float | None, reason: str, at: float
) -> None:
    pace, clock, out = rig(PaceShare(10, 10, 1.0), max_duration=max_duration)
    told = list[tuple[str, float]]()
    pace.turn(lambda: out.append(clock()), lambda why: told.append((why, clock())))
    let_run(pace, clock, 1010.0)
    ((why, when),) = told
    assert (why, out) == (reason, [])
    assert at <= when <= at + 1.0


def test_nothing_extra_goes_out_past_max_duration() -> None:
    pace, clock, out = rig(PaceShare(10, 0, 1.0), max_duration=3.0)
    clock.now = 1002.9
    asked(pace, clock, out, 15)
    let_run(pace, clock, 1008.0)
    assert len(out) == 10
    assert max(out) < 1003.0


def test_after_a_stop_nothing_waits() -> None:
    pace, clock, out = rig(PaceShare(1, 0, 1.0))
    asked(pace, clock, out, 5)
    pace.step()
    pace.stop()
    let_run(pace, clock, 1005.0)
    assert len(out) == 1


def test_a_plan_that_leaves_room_is_given_a_margin() -> None:
    even = schedule([n / 10 for n in range(50)])
    share = np.arange(50, dtype=np.int64)
    assert pace_shares(even, [share], 10) == [PaceShare(10, 10, 1.0)]
    assert pace_shares(even, [share], 11) == [PaceShare(11, 11, 1.05)]


def test_workers_share_it_by_their_plans() -> None:
    plan = schedule([n / 12 for n in range(60)], accounts=3)
    made = pace_shares(plan, [plan.share(rank, 2) for rank in range(2)], 15.9)
    assert [part.planned for part in made] == [9, 5]
    assert sum(part.limit for part in made) <= 15.9
    assert all(part.limit >= part.planned for part in made)


@pytest.mark.parametrize(("workers", "most"), [(1, 1.0), (2, 2.0), (2, None), (3, 2.0)])
def test_each_worker_that_has_arrivals_may_send_a_call(workers: int, most: float | None) -> None:
    check_workers(schedule([float(n) for n in range(10)], accounts=2), workers, most)


def test_workers_to_whom_nothing_would_be_left_are_refused() -> None:
    with pytest.raises(ValueError, match=r"max_rps 1, dealt to 2 workers, .*, allowed: fewer workers"):
        check_workers(schedule([float(n) for n in range(10)], accounts=2), 2, 1.0)


def test_one_arrival_has_all_that_is_allowed_and_none_has_none() -> None:
    assert pace_shares(schedule([0.0]), [np.arange(1)], 10) == [PaceShare(10, 1, 1.05)]
    assert pace_shares(schedule([]), [np.arange(0)], 10) == [PaceShare(0, 0, 1.05)]


def test_before_a_share_is_known_nothing_may_go_out() -> None:
    pace = Pace(clock=ManualClock(1000.0))
    assert (pace.share, pace.start) == (PaceShare(0, 0, 1.0), float("inf"))
    assert pace.wait() == 1.0


@pytest.mark.parametrize(("limit", "wait"), [(0, 1.0), (1, 0.75), (2, 0.5), (3, 0.0)])
def test_an_arrival_waits_until_the_window_has_room_for_it(limit: int, wait: float) -> None:
    pace, clock, _ = rig(PaceShare(limit, 0, 1.0))
    pace.sent(1000.0, False)
    pace.sent(1000.25, False)
    clock.now = 1000.5
    assert pace.wait() == wait
    clock.now = 1001.25
    assert pace.wait() == (0.0 if limit else 1.0)


def test_an_extra_call_waits_for_room_to_the_last_instant_of_its_patience() -> None:
    pace, clock, out = rig(PaceShare(10, 10, 1.0))
    asked(pace, clock, out, 1)
    clock.now = 1000.0 + TURN_TIMEOUT
    assert (pace.step(), len(pace._waiting)) == (1.0, 1)
    clock.now += 0.001
    assert (pace.step(), len(pace._waiting)) == (POLL_INTERVAL, 0)
    assert out == []


def test_at_max_duration_itself_nothing_extra_goes_out() -> None:
    pace, clock, out = rig(PaceShare(10, 0, 1.0), max_duration=3.0)
    clock.now = 1003.0
    asked(pace, clock, out, 1)
    assert (pace.step(), out, len(pace._waiting)) == (POLL_INTERVAL, [], 0)


@pytest.mark.parametrize(("now", "made"), [(1008.875, 12), (1009.0, 2)])
def test_a_window_before_the_start_the_plan_is_near(now: float, made: int) -> None:
    pace, clock, out = rig(PaceShare(12, 10, 1.0), start=1010.0)
    clock.now = now
    asked(pace, clock, out, 30)
    pace.step()
    assert len(out) == made


class EndError(Exception):
    """Ends a loop that has no end of its own."""


def test_it_looks_again_when_there_may_be_a_turn_and_never_without_a_rest() -> None:
    clock, slept = ManualClock(1000.0), list[float]()

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock.sleep(seconds)
        if len(slept) == 4:
            raise EndError

    pace = Pace(clock=clock, sleep=sleep)
    pace.share, pace.start = PaceShare(1, 0, 1.0), 1000.0
    pace.turn(lambda: pace.sent(1000.25, True))
    pace.turn(lambda: None)
    with pytest.raises(EndError):
        pace.run()
    assert slept == [1.25, 0.01, 0.01, 0.01]


@settings(max_examples=60, deadline=None)
@given(
    times=st.lists(st.floats(0, 6), min_size=1, max_size=80),
    of=st.integers(1, 5),
    spare=st.floats(0, 20),
    window=st.just(1.0),
)
def test_the_parts_never_add_up_to_more(times: list[float], of: int, spare: float, window: float) -> None:
    plan = schedule(sorted(times), accounts=7)
    allowed = peak(plan.planned, window) + spare
    made = pace_shares(plan, [plan.share(rank, of) for rank in range(of)], allowed)
    assert sum(part.limit for part in made) <= allowed


@settings(max_examples=80, deadline=None)
@given(
    limit=st.integers(1, 8),
    asks=st.lists(st.tuples(st.floats(0, 3), st.integers(1, 12)), min_size=1, max_size=8),
)
def test_no_second_holds_more_whatever_is_asked(limit: int, asks: list[tuple[float, int]]) -> None:
    pace, clock, out = rig(PaceShare(limit, 0, 1.0))
    for gap, count in asks:
        let_run(pace, clock, clock() + gap)
        asked(pace, clock, out, count)
    let_run(pace, clock, clock() + 5)
    assert most(out) <= limit
