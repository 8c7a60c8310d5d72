"""The one global schedule of a run: every group's arrivals, merged in the order of their time.

An arrival's global index is its place here. Ties stand by group, then by the group's own order. A group's
arrival j goes to the group's account j mod A; rank r of n takes the accounts a with a mod n = r, so the
shares of all ranks are the whole schedule, each arrival once, for every n.

Each arrival carries a `draw`, uniform on 0..2^32-1, for choices such as the tool: it depends on the seed,
the group and the arrival's place in its group alone, so neither the split nor another group changes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from shapes.base import Offsets, Shape, check_count, whole
from shapes.seeded import words

T = TypeVar("T", bound=np.generic)

_DRAWS = 2  # stream of the seed; Poisson has 0 and 1


@dataclass(frozen=True)
class Part:
    """A group's schedule and its accounts `first_account` and those after it. Raises ValueError."""

    shape: Shape
    group: int  # 0..255
    first_account: int
    accounts: int

    def __post_init__(self) -> None:
        whole("group", self.group, 0, 255)
        whole("first account", self.first_account, 0, 2**32 - 1)
        whole("accounts", self.accounts, 1, 2**32 - self.first_account)


@dataclass(frozen=True, eq=False)
class Schedule:
    """Arrays of equal length, one entry an arrival, read-only; `planned` (seconds) ascends."""

    planned: Offsets
    account: NDArray[np.uint32]
    group: NDArray[np.uint8]
    draw: NDArray[np.uint32]

    def __len__(self) -> int:
        return len(self.planned)

    def share(self, rank: int, of: int, from_t: float = float("-inf")) -> NDArray[np.int64]:
        """Global indices, ascending, that rank `rank` of `of` takes, planned at `from_t` (s) or later.

        Raises ValueError for a rank outside 0..of-1.
        """
        whole("of", of, 1, 2**32)
        whole("rank", rank, 0, of - 1)
        first = self.due(from_t)
        return first + np.flatnonzero(self.account[first:] % np.uint64(of) == rank).astype(np.int64)

    def due(self, t: float) -> int:
        """How many arrivals are planned before `t` seconds."""
        return int(self.planned.searchsorted(t, side="left"))

    def remaining(self, from_t: float) -> NDArray[np.int64]:
        """Global indices of the arrivals planned at `from_t` seconds or later, for a new plan."""
        return np.arange(self.due(from_t), len(self), dtype=np.int64)


def peak(planned: Offsets, window: float = 1.0) -> int:
    """The most of these ascending times that any `window` seconds hold (its end not included)."""
    if not len(planned):
        return 0
    ends = np.searchsorted(planned, planned + (window - 1e-6))
    return int((ends - np.arange(len(planned))).max())


def merge(parts: Sequence[Part], *, seed: int = 0) -> Schedule:
    """One schedule of all `parts`. Raises ValueError.

    Each group comes once, no account belongs to two groups, at most `MAX_ARRIVALS` in all.
    """
    parts = sorted(parts, key=lambda part: part.group)
    _check(parts)
    planned = _join([part.shape.offsets() for part in parts], np.float64)
    order = np.argsort(planned, kind="stable")
    account = _join([_accounts(part) for part in parts], np.uint32)
    group = _join([np.full(part.shape.count, part.group) for part in parts], np.uint8)
    draw = _join([_draws(part, seed) for part in parts], np.uint32)
    return Schedule(
        _sorted(planned, order), _sorted(account, order), _sorted(group, order), _sorted(draw, order)
    )


def _accounts(part: Part) -> NDArray[np.int64]:
    return part.first_account + np.arange(part.shape.count, dtype=np.int64) % part.accounts


def _draws(part: Part, seed: int) -> NDArray[np.uint64]:
    return words(part.shape.count, seed, _DRAWS, part.group) >> np.uint64(32)


def _join(columns: list[NDArray[Any]], kind: type[T]) -> NDArray[T]:
    return np.concatenate([np.empty(0, dtype=kind), *(column.astype(kind) for column in columns)])


def _sorted(column: NDArray[T], order: NDArray[np.int64]) -> NDArray[T]:
    column = column[order]
    column.setflags(write=False)
    return column


def _check(parts: Sequence[Part]) -> None:
    for before, after in pairwise(parts):
        if before.group == after.group:
            raise ValueError(f"group {after.group} has two schedules; allowed: one a group")
    by_account = sorted(parts, key=lambda part: part.first_account)
    for before, after in pairwise(by_account):
        if before.first_account + before.accounts > after.first_account:
            raise ValueError(
                f"account {after.first_account} is in group {before.group} and {after.group}; allowed: one"
            )
    check_count(sum(part.shape.count for part in parts))
