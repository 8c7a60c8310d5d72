"""The dispatcher on a manual clock: every arrival once, at its instant or dropped, never awaited."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shapes.schedule import Schedule
from telemetry.recording.sample import CUT_OFF
from tests.support.manual_clock import ManualClock
from users.engine.dispatcher import BURST, DROP_AFTER, Dispatcher

START = 1010.0


def schedule(planned: list[float], accounts: int = 3) -> Schedule:
    count = len(planned)
    return Schedule(
        np.array(planned, dtype=np.float64),
        (np.arange(count) % accounts).astype(np.uint32),
        (np.arange(count) % 2).astype(np.uint8),
        np.arange(count, dtype=np.uint32),
    )


class Rig:
    """A dispatcher whose deals and drops are written down with the time they came at."""

    def __init__(
        self, planned: list[float], *, cost: float = 0.0, room: Callable[[], float] | None = None
    ) -> None:
        self.clock = ManualClock(START - 1)
        self.dealt: list[tuple[int, float]] = []
        self.dropped: list[tuple[int, str]] = []
        self.turns: list[int] = []  # how many were dealt when answers got their turn
        self.cost = cost
        whole = schedule(planned)
        self.dispatcher = Dispatcher(
            whole,
            np.arange(len(planned), dtype=np.int64),
            START,
            self._deal,
            self._drop,
            clock=self.clock,
            sleep=self._sleep,
            room=room,
        )
        self._planned = planned

    def _sleep(self, seconds: float) -> None:
        if not seconds:
            self.turns.append(len(self.dealt))
        self.clock.sleep(seconds)

    def _drop(self, index: int, planned: float, account: int, group: int, reason: str) -> None:
        assert (planned, account, group) == (START + self._planned[index], index % 3, index % 2)
        self.dropped.append((index, reason))

    def _deal(self, index: int, planned: float, account: int, group: int, draw: int) -> None:
        assert (planned, account, group, draw) == (START + self._planned[index], index % 3, index % 2, index)
        self.dealt.append((index, self.clock.now - planned))
        self.clock.now += self.cost


def test_deals_each_arrival_at_its_instant() -> None:
    rig = Rig([0.0, 0.5, 0.5, 2.0])
    rig.dispatcher.run()
    assert rig.dealt == [(0, 0.0), (1, 0.0), (2, 0.0), (3, 0.0)]
    assert rig.dispatcher.remaining == 0


def test_a_dispatcher_that_begins_late_deals_what_is_due_at_once() -> None:
    rig = Rig([0.0, 0.25, 2.0])
    rig.clock.now = START + 0.5
    rig.dispatcher.run()
    assert rig.dealt == [(0, 0.5), (1, 0.25), (2, 0.0)]
    assert rig.clock.slept == [1.5]
    assert rig.dispatcher.stopped is False


@pytest.mark.parametrize("late", [0.0, 0.25])
def test_what_is_late_by_no_more_than_the_bound_is_sent(late: float) -> None:
    rig = Rig([0.0])
    rig.clock.now = START + DROP_AFTER + late
    rig.dispatcher.run()
    assert (rig.dealt, rig.dropped) == (([], [(0, "too_late")]) if late else ([(0, DROP_AFTER)], []))


def test_where_there_is_no_room_an_arrival_waits_for_it() -> None:
    waits = iter((0.25, 0.125, 0.0, 0.0))
    rig = Rig([0.0, 1.0], room=lambda: next(waits))
    rig.dispatcher.run()
    assert rig.dealt == [(0, 0.375), (1, 0.0)]
    assert rig.clock.slept == [1.0, 0.25, 0.125, 0.625]


def test_where_there_is_never_room_all_is_too_late_and_there_is_an_end() -> None:
    rig = Rig([0.0, 0.25, 2.0], room=lambda: 1.0)
    rig.clock.at(START + 60.0, rig.dispatcher.stop)
    rig.dispatcher.run()
    assert (rig.dealt, rig.dropped) == ([], [(0, "too_late"), (1, "too_late"), (2, "too_late")])
    assert not rig.dispatcher.stopped


def test_a_stop_ends_the_wait_for_room() -> None:
    rig = Rig([0.0, 9.0], room=lambda: 0.5)
    rig.clock.at(START + 1.0, rig.dispatcher.stop)
    rig.dispatcher.run()
    assert (rig.dealt, rig.dropped) == ([], [(0, "stopped")])
    assert rig.clock.now == START + 1.0


def test_an_empty_share_returns_at_once() -> None:
    rig = Rig([])
    rig.dispatcher.run()
    assert rig.clock.slept == []


def test_a_slow_persona_delays_nothing_but_itself_and_drops_what_is_too_late() -> None:
    rig = Rig([0.0, 0.1, 0.2, 3.0], cost=DROP_AFTER + 0.15)
    rig.dispatcher.run()
    assert [index for index, _ in rig.dealt] == [0, 2, 3] or [index for index, _ in rig.dealt] == [0, 3]
    assert {index for index, _ in rig.dealt} | {index for index, _ in rig.dropped} == {0, 1, 2, 3}
    assert all(reason == "too_late" for _, reason in rig.dropped)
    assert all(delay <= DROP_AFTER for _, delay in rig.dealt)


@pytest.mark.parametrize("begin", [START - 1, START])
def test_answers_get_their_turn_in_a_long_burst(begin: float) -> None:
    rig = Rig([0.0] * (3 * BURST + 1))
    rig.clock.now = begin
    rig.dispatcher.run()
    assert rig.turns == [BURST, 2 * BURST, 3 * BURST]


def test_a_wait_is_a_turn_of_its_own() -> None:
    rig = Rig([*[0.0] * (BURST - 1), *[1.0] * (BURST + 1)])
    rig.dispatcher.run()
    assert rig.turns == [2 * BURST - 1]


def test_stop_drops_what_is_due_and_leaves_the_rest_unplanned() -> None:
    rig = Rig([0.0, 1.0, 2.0, 3.0])
    rig.clock.at(START + 1.0, lambda: setattr(rig.clock, "now", START + 2.5))
    rig.clock.at(START + 1.0, rig.dispatcher.stop)
    rig.dispatcher.run()
    assert [index for index, _ in rig.dealt] == [0]
    assert rig.dropped == [(1, "stopped"), (2, "stopped")]
    assert rig.dispatcher.dealt == rig.dispatcher.due(rig.clock.now) == 3
    assert rig.dispatcher.stopped is True


def test_what_came_due_as_the_stop_came_is_cut_off_and_not_dropped() -> None:
    rig = Rig([0.0, 1.0, 1.0 + CUT_OFF / 2, 1.0 + 2 * CUT_OFF, 3.0])
    rig.clock.at(START + 1.0, lambda: setattr(rig.clock, "now", START + 1.0 + 2 * CUT_OFF))
    rig.clock.at(START + 1.0, rig.dispatcher.stop)
    rig.dispatcher.run()
    assert [index for index, _ in rig.dealt] == [0]
    assert rig.dropped == [(1, "stopped"), (2, "stopped")]
    assert rig.dispatcher.dealt == 3
    assert rig.dispatcher.remaining == 0


def test_stop_twice_drops_once() -> None:
    rig = Rig([0.0, 1.0])
    rig.clock.now = START + 5
    rig.dispatcher.stop()
    rig.dispatcher.stop()
    assert rig.dropped == [(0, "stopped"), (1, "stopped")]


def test_a_new_plan_ends_the_share_at_its_first_instant() -> None:
    rig = Rig([0.0, 1.0, 2.0, 3.0])
    rig.clock.at(START + 1.0, lambda: rig.dispatcher.end_at(2.0))
    rig.dispatcher.run()
    assert [index for index, _ in rig.dealt] == [0, 1]


def test_a_new_plan_cannot_take_back_what_was_dealt() -> None:
    rig = Rig([0.0, 1.0, 2.0])
    rig.clock.at(START + 2.0, lambda: rig.dispatcher.end_at(0.5))
    rig.dispatcher.run()
    assert [index for index, _ in rig.dealt] == [0, 1]
    assert rig.dispatcher.remaining == 0


@settings(max_examples=200, deadline=None)
@given(
    gaps=st.lists(st.floats(0, 2), max_size=60),
    cost=st.floats(0, 1.5),
)
def test_every_arrival_is_dealt_or_dropped_exactly_once(gaps: list[float], cost: float) -> None:
    planned = np.cumsum(gaps).tolist()
    rig = Rig(planned, cost=cost)
    rig.dispatcher.run()
    seen = [index for index, _ in rig.dealt] + [index for index, _ in rig.dropped]
    assert sorted(seen) == list(range(len(planned)))
    assert all(-1e-9 <= delay <= DROP_AFTER for _, delay in rig.dealt)


@pytest.mark.parametrize(("t", "due"), [(-1, 0), (0, 1), (0.49, 1), (0.5, 2), (99, 3)])
def test_due_counts_what_was_planned(t: float, due: int) -> None:
    assert Rig([0.0, 0.5, 2.0]).dispatcher.due(START + t) == due


def test_nothing_is_dealt_after_the_lease_and_only_what_was_due_by_then_is_dropped() -> None:
    rig = Rig([0.0, 1.0, 2.0, 3.0, 4.0])
    rig.dispatcher.until = START + 2.5
    rig.clock.at(START + 1.0, lambda: setattr(rig.clock, "now", START + 9.0))  # a process that was frozen
    rig.dispatcher.run()
    assert [index for index, _ in rig.dealt] == [0]
    assert rig.dropped == [(1, "stopped"), (2, "stopped")]
    assert rig.dispatcher.remaining == 0


def test_the_last_instant_of_a_lease_belongs_to_the_others() -> None:
    rig = Rig([0.0, 1.0, 2.0])
    rig.dispatcher.until = START + 1.0
    rig.dispatcher.run()
    assert [index for index, _ in rig.dealt] == [0]
    assert rig.dropped == []


def test_a_lease_that_is_renewed_in_time_changes_nothing() -> None:
    rig = Rig([0.0, 1.0, 2.0])
    rig.dispatcher.until = START + 1.5
    rig.clock.at(START + 1.0, lambda: setattr(rig.dispatcher, "until", START + 5.0))
    rig.dispatcher.run()
    assert [index for index, _ in rig.dealt] == [0, 1, 2]
