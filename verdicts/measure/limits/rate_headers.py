"""`X-RateLimit-Limit`, `-Remaining`, `-Reset` and `Retry-After` against what a fixed window makes of them.

For the n-th admitted call of a user in a window of `limit`:
    Limit        the limit
    Remaining    limit − n; 0 when refused
    Reset        the window's end, Unix seconds rounded up
    Retry-After  refused: seconds to the window's end, rounded up, at least 1; admitted: absent
Calls in flight together may be admitted in either order: their `Remaining` may be exchanged. A call whose
answer was lost may have been counted: as many numbers may be missing from a window's `Remaining`.

Looked at are answers of which it is certain that the limiter let them pass or refused them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from verdicts.measure.limits import windows
from verdicts.measure.limits.limiter import Limiter
from verdicts.measure.limits.promises import Promise
from verdicts.measure.limits.windows import Indices, Spans
from verdicts.run.reading import Run

HEADERS: Final = ("limit", "remaining", "reset")
ROUNDING: Final = 1.0  # seconds
Records = NDArray[np.void]


@dataclass(frozen=True)
class Share:
    """What one user sent to the limiter in one window, in the order of sending.

    `lost`: calls that it may have let pass in this window, and of which no answer of its own tells; what
    the suite asked beside the load is among them.
    """

    user: int
    window: int
    calls: Records
    refused: NDArray[np.bool_]
    lost: int = 0

    @property
    def admitted(self) -> int:
        """How many were let through."""
        return int((~self.refused).sum())


@dataclass(frozen=True)
class Wrong:
    """Answers looked at, and how many were wrong in each header; which `X-RateLimit-…` any of them had."""

    answers: int = 0
    limit: int = 0
    remaining: int = 0
    reset: int = 0
    retry_after: int = 0
    told: frozenset[str] = frozenset()

    @property
    def total(self) -> int:
        """Wrong headers in all."""
        return self.limit + self.remaining + self.reset + self.retry_after

    def without(self, headers: Collection[str]) -> Wrong:
        """The same where nothing is asked of these `HEADERS`."""
        none_wrong: dict[str, Any] = dict.fromkeys(headers, 0)
        return replace(self, **none_wrong)

    def __add__(self, other: Wrong) -> Wrong:
        return Wrong(
            self.answers + other.answers,
            self.limit + other.limit,
            self.remaining + other.remaining,
            self.reset + other.reset,
            self.retry_after + other.retry_after,
            self.told | other.told,
        )


def shares(run: Run, one: Limiter, user: int, promise: Promise, ahead: float = 0.0) -> Iterator[Share]:
    """The windows of a user, in order. A call belongs to the window that its `Reset` names."""
    mine = (one.let | one.refused) & (one.who == user)
    calls, refused = run.samples[mine], one.refused[mine]
    found = windows.spans(run, mine).later(ahead)
    window, named = _windows(run, calls, found, promise.width, ahead)
    first, last = found.windows(promise.width)
    placed = named | (first == last) | run.manifest.bundled
    unanswered = windows.spans(run, one.perhaps & (one.who == user)).beside(one.beside(user))
    lost = unanswered.later(ahead).windows(promise.width)
    for at in np.unique(window[placed]):
        inside = np.flatnonzero(placed & (window == at))
        order = inside[np.argsort(calls["sent"][inside], kind="stable")]
        missed = _touching(at, *lost) + _touching(at, first[~placed], last[~placed])
        yield Share(user, int(at), calls[order], refused[order], missed)


def _touching(window: int, first: Indices, last: Indices) -> int:
    return int(((first <= window) & (window <= last)).sum())


def _windows(
    run: Run, calls: Records, found: Spans, width: float, ahead: float
) -> tuple[Any, NDArray[np.bool_]]:
    """(window of each call, whether its `Reset` is the end of a window that it can have been in)."""
    first, last = found.windows(width)
    names_first = _names(run, calls["reset"], np.ceil((first + 1) * width), ahead)
    names_last = _names(run, calls["reset"], np.ceil((last + 1) * width), ahead)
    return np.where(~names_first & names_last, last, first), names_first | names_last


def _names(run: Run, reset: NDArray[np.float64], end: NDArray[np.float64], ahead: float) -> NDArray[np.bool_]:
    """Whether `Reset` is a window's end. A target may round it either way, or name seconds from now."""
    if run.manifest.bundled:
        return np.asarray(reset == end)
    return np.asarray((np.abs(reset - end) <= ROUNDING) | (np.abs(reset + ahead - end) <= ROUNDING))


def check(run: Run, one: Limiter, user: int, promise: Promise, ahead: float = 0.0) -> Wrong:
    """Every answer that a user got from the limiter. What only fixed windows have is asked of them alone."""
    mine = (one.let | one.refused) & (one.who == user)
    calls, found = run.samples[mine], windows.spans(run, mine).later(ahead)
    refused = one.refused[mine]
    least, most = windows.right_waits(found, promise)
    told = calls["retry_after"]
    waits = np.where(refused, (told >= least) & (told <= most), np.isnan(told))
    return Wrong(
        answers=len(calls),
        limit=int((calls["limit"] != promise.limit).sum()),
        remaining=sum(
            _remaining(share, promise.limit)
            for share in shares(run, one, user, promise, ahead)
            if promise.fixed
        ),
        reset=int((~_windows(run, calls, found, promise.width, ahead)[1]).sum()) if promise.fixed else 0,
        retry_after=int((~waits).sum()),
        told=frozenset(name for name in HEADERS if _has(calls[name]).any()),
    )


def _has(header: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether each answer had it: −1, or NaN, where it was absent."""
    return np.asarray(~np.isnan(header) & (header != -1))


def _remaining(share: Share, limit: int) -> int:
    """How many answers of a window name a wrong `Remaining`, at least."""
    let = share.calls[~share.refused]
    gaps = limit - 1 - np.arange(len(let)) - np.sort(let["remaining"])[::-1]
    wrong = len(let) - _longest_rise(gaps[(gaps >= 0) & (gaps <= share.lost)].tolist())
    after = let["sent"][1:] >= let["done"][:-1]
    disorder = int((after & (let["remaining"][1:] >= let["remaining"][:-1])).sum())
    return max(wrong, disorder) + int((share.calls["remaining"][share.refused] != 0).sum())


def _longest_rise(numbers: list[int]) -> int:
    """Length of the longest subsequence that never falls."""
    ends: list[int] = []  # the smallest number that one of each length ends with
    for number in numbers:
        place = bisect_right(ends, number)
        ends[place : place + 1] = [number]
    return len(ends)
