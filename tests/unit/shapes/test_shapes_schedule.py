"""The merged schedule: order, accounts, draws, and shares that are the whole for every split."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shapes.base import Shape
from shapes.constant import constant
from shapes.poisson import Poisson
from shapes.ramp import ramp
from shapes.schedule import Part, Schedule, merge, peak

shapes: st.SearchStrategy[Shape] = st.one_of(
    st.builds(constant, st.integers(0, 30), st.integers(0, 10)),
    st.builds(ramp, st.integers(0, 30), st.integers(0, 30), st.integers(0, 10)),
    st.builds(Poisson, st.integers(0, 30), st.integers(0, 10), st.integers(0, 99)),
)


@st.composite
def parts(draw: st.DrawFn) -> list[Part]:
    groups, first = [], 0
    for group in range(draw(st.integers(0, 3))):
        accounts = draw(st.integers(1, 12))
        groups.append(Part(draw(shapes), group, first, accounts))
        first += accounts
    return groups


@given(parts(), st.integers(1, 20))
@settings(max_examples=200, deadline=None)
def test_the_shares_of_all_ranks_are_the_whole_each_arrival_once(groups: list[Part], of: int) -> None:
    schedule = merge(groups, seed=1)
    shares = [schedule.share(rank, of) for rank in range(of)]
    assert sorted(np.concatenate(shares).tolist()) == list(range(len(schedule)))
    for rank, share in enumerate(shares):
        assert (np.diff(share) > 0).all()
        assert (schedule.account[share] % of == rank).all()


@given(parts(), st.integers(1, 9))
@settings(max_examples=100, deadline=None)
def test_workers_merged_are_the_single_worker_exactly(groups: list[Part], of: int) -> None:
    schedule = merge(groups, seed=1)
    order = np.sort(np.concatenate([schedule.share(rank, of) for rank in range(of)]))
    assert schedule.planned[order].tolist() == schedule.planned.tolist()
    assert schedule.draw[order].tolist() == schedule.draw.tolist()


@given(parts())
@settings(max_examples=100, deadline=None)
def test_a_groups_arrivals_keep_their_times_and_go_round_its_accounts(groups: list[Part]) -> None:
    schedule = merge(groups)
    assert (np.diff(schedule.planned) >= 0).all()
    for part in groups:
        mine = schedule.group == part.group
        assert schedule.planned[mine].tolist() == part.shape.offsets().tolist()
        expected = [part.first_account + j % part.accounts for j in range(part.shape.count)]
        assert schedule.account[mine].tolist() == expected


def test_ties_stand_by_group_then_arrival() -> None:
    schedule = merge([Part(constant(2, 2), 1, 4, 2), Part(constant(2, 2), 0, 0, 3)])
    assert schedule.planned.tolist() == [0, 0, 0.5, 0.5, 1, 1, 1.5, 1.5]
    assert schedule.group.tolist() == [0, 1, 0, 1, 0, 1, 0, 1]
    assert schedule.account.tolist() == [0, 4, 1, 5, 2, 4, 0, 5]


def test_the_columns_have_their_types_also_when_empty() -> None:
    for schedule in (merge([]), merge([Part(constant(5, 1), 0, 0, 1)])):
        kinds = [column.dtype.str for column in _columns(schedule)]
        assert kinds == ["<f8", "<u4", "|u1", "<u4"]
        assert {len(column) for column in _columns(schedule)} == {len(schedule)}


def test_draws_depend_on_seed_group_and_place_alone() -> None:
    one, other = Part(constant(50, 4), 0, 0, 10), Part(Poisson(9, 4, 1), 1, 10, 5)
    alone, together = merge([one], seed=3), merge([one, other], seed=3)
    assert together.draw[together.group == 0].tolist() == alone.draw.tolist()
    assert merge([one], seed=4).draw.tolist() != alone.draw.tolist()
    assert together.draw[together.group == 1][:5].tolist() != alone.draw[:5].tolist()


def test_the_draws_are_these_on_every_machine() -> None:
    assert merge([Part(constant(3, 1), 0, 0, 1)], seed=1).draw.tolist() == GOLDEN


GOLDEN = [3668046337, 1835208542, 3706220671]


def test_draws_are_uniform() -> None:
    draw = merge([Part(constant(40_000, 1), 0, 0, 1)], seed=1).draw
    counts = np.bincount((draw >> 28).astype(int), minlength=16)
    assert abs(counts - 2500).max() < 250


@pytest.mark.parametrize(
    ("t", "due"), [(-1, 0), (0, 0), (1e-9, 1), (0.5, 1), (0.51, 2), (1.5, 3), (2, 4), (float("inf"), 4)]
)
def test_due_counts_what_is_planned_before_a_time(t: float, due: int) -> None:
    schedule = merge([Part(constant(2, 2), 0, 0, 1)])
    assert schedule.due(t) == due
    assert schedule.remaining(t).tolist() == list(range(due, 4))


@given(parts(), st.integers(1, 5), st.integers(1, 5), st.floats(-1, 11))
@settings(max_examples=100, deadline=None)
def test_a_new_plan_at_any_time_loses_nothing(groups: list[Part], before: int, after: int, t: float) -> None:
    schedule = merge(groups)
    first = [schedule.share(rank, before) for rank in range(before)]
    kept = [share[schedule.planned[share] < t] for share in first]
    new = [schedule.share(rank, after, from_t=t) for rank in range(after)]
    assert sorted(np.concatenate([*kept, *new]).tolist()) == list(range(len(schedule)))
    assert np.sort(np.concatenate(new)).tolist() == schedule.remaining(t).tolist()


def test_more_ranks_than_accounts_leave_some_idle() -> None:
    schedule = merge([Part(constant(2, 2), 0, 0, 1)])
    assert [len(schedule.share(rank, 3)) for rank in range(3)] == [4, 0, 0]


@pytest.mark.parametrize(
    ("rank", "of", "message"),
    [
        (-1, 2, "rank must be a whole number from 0 to 1, not -1"),
        (2, 2, "rank must be a whole number from 0 to 1, not 2"),
        (0, 0, "of must be a whole number from 1 to 4294967296, not 0"),
        (0, -1, "of must be a whole number from 1 to 4294967296, not -1"),
        (0, 2**32 + 1, "of must be a whole number from 1 to 4294967296, not 4294967297"),
    ],
)
def test_a_rank_that_is_not_there_is_refused(rank: int, of: int, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        merge([]).share(rank, of)


@pytest.mark.parametrize(
    ("group", "first", "accounts", "message"),
    [
        (-1, 0, 1, "group must be a whole number from 0 to 255, not -1"),
        (256, 0, 1, "group must be a whole number from 0 to 255, not 256"),
        (0, -1, 1, "first account must be a whole number from 0 to 4294967295, not -1"),
        (0, 2**32, 1, "first account must be a whole number from 0 to 4294967295, not 4294967296"),
        (0, 0, 0, "accounts must be a whole number from 1 to 4294967296, not 0"),
        (0, 2**32 - 1, 2, "accounts must be a whole number from 1 to 1, not 2"),
    ],
)
def test_a_part_that_does_not_fit_the_columns_is_refused(
    group: int, first: int, accounts: int, message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        Part(constant(1, 1), group, first, accounts)


def test_the_last_group_account_and_rank_have_room() -> None:
    schedule = merge([Part(constant(1, 2), 255, 2**32 - 1, 1)])
    assert (schedule.group.tolist(), schedule.account.tolist()) == ([255] * 2, [2**32 - 1] * 2)
    assert schedule.share(2**32 - 1, 2**32).tolist() == [0, 1]
    assert merge([Part(constant(1, 2), 0, 0, 2**32)]).account.tolist() == [0, 1]


def test_the_seed_is_0_unless_told() -> None:
    part = Part(constant(3, 1), 0, 0, 1)
    assert merge([part]).draw.tolist() == merge([part], seed=0).draw.tolist()
    assert merge([part]).draw.tolist() != merge([part], seed=1).draw.tolist()


def test_parts_that_clash_are_refused() -> None:
    shape = constant(1, 1)
    with pytest.raises(ValueError, match=r"^group 0 has two schedules; allowed: one a group$"):
        merge([Part(shape, 0, 0, 1), Part(shape, 0, 1, 1)])
    with pytest.raises(ValueError, match=r"^account 4 is in group 0 and 1; allowed: one$"):
        merge([Part(shape, 1, 4, 1), Part(shape, 0, 0, 5)])
    with pytest.raises(ValueError, match=r"^account 4 is in group 1 and 0; allowed: one$"):
        merge([Part(shape, 0, 4, 2), Part(shape, 1, 0, 5)])
    with pytest.raises(ValueError, match=r"^at most 20,000,000 arrivals can be planned, not 30,000,000$"):
        merge([Part(constant(1e6, 15), 0, 0, 1), Part(constant(1e6, 15), 1, 1, 1)])
    assert len(merge([Part(shape, 1, 5, 1), Part(shape, 0, 0, 5)])) == 2


@pytest.mark.parametrize(("window", "count"), [(1.0, 3), (1.05, 4), (0.5, 2)])
def test_peak_of_a_window(window: float, count: int) -> None:
    assert peak(np.array([0, 0.3, 0.9, 1.02, 1.6]), window) == count


def test_peak_is_of_a_second_unless_told_and_its_end_is_not_in_it() -> None:
    assert peak(np.array([0, 0.5, 1.0, 1.5, 2.0])) == 2
    assert peak(np.array([7.0])) == 1
    assert peak(np.empty(0)) == 0


def test_a_schedule_is_read_only() -> None:
    for column in _columns(merge([Part(constant(2, 2), 0, 0, 1)])):
        with pytest.raises(ValueError, match="read-only"):
            column[0] = 1


def _columns(schedule: Schedule) -> list[np.ndarray]:
    return [schedule.planned, schedule.account, schedule.group, schedule.draw]
