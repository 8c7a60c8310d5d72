"""`X-RateLimit-Limit`, `-Remaining`, `-Reset` and `Retry-After` against what a fixed window makes of them.

For the n-th admitted call of a user in a window of `limit`:
    Limit        the limit
    Remaining    limit − n; 0 when refused
    Reset        the window's end, Unix seconds rounded up
    Retry-After  refused: seconds to the window's end, rounded up, at least 1; admitted: absent
Calls in flight together may be admitted in either order: their `Remaining` may be exchanged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verdicts.measure.calls import edge_refusals, outcomes
from verdicts.measure.limits import users, windows
from verdicts.measure.limits.promises import Promise
from verdicts.measure.limits.windows import Spans
from verdicts.run.reading import Mask, Run

REASON = "rate_limit_exceeded"
ROUNDING = 1.0  # seconds
Records = NDArray[np.void]


@dataclass(frozen=True)
class Share:
    """What one user sent to the limiter in one window, in the order of sending."""

    user: int
    window: int
    calls: Records
    refused: NDArray[np.bool_]

    @property
    def admitted(self) -> int:
        """How many were let through."""
        return int((~self.refused).sum())


@dataclass(frozen=True)
class Wrong:
    """Answers looked at, and how many were wrong in each header."""

    answers: int = 0
    limit: int = 0
    remaining: int = 0
    reset: int = 0
    retry_after: int = 0

    @property
    def total(self) -> int:
        """Wrong headers in all."""
        return self.limit + self.remaining + self.reset + self.retry_after

    def __add__(self, other: Wrong) -> Wrong:
        return Wrong(*(a + b for a, b in zip(vars(self).values(), vars(other).values(), strict=True)))


def at_the_limiter(run: Run) -> Mask:
    """Calls that an origin answered; a target that does not name its instances: past its edge."""
    if run.manifest.bundled:
        answered: Mask = edge_refusals.answered(run) & (run.samples["instance"] > 0)
        return answered
    return edge_refusals.past_the_edge(run)


def shares(run: Run, user: int, promise: Promise, ahead: float = 0.0) -> Iterator[Share]:
    """The windows of a user, in order. A call belongs to the window that its `Reset` names."""
    mine = at_the_limiter(run) & (users.of(run) == user)
    calls, refused = run.samples[mine], outcomes.failed_by(run, (REASON,))[mine]
    window = _windows(run, calls, windows.spans(run, mine).later(ahead), promise.width, ahead)[0]
    for one in np.unique(window):
        inside = np.flatnonzero(window == one)
        order = inside[np.argsort(calls["sent"][inside], kind="stable")]
        yield Share(user, int(one), calls[order], refused[order])


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


def check(run: Run, user: int, promise: Promise, ahead: float = 0.0) -> Wrong:
    """Every answer that a user got from the limiter. What only fixed windows have is asked of them alone."""
    mine = at_the_limiter(run) & (users.of(run) == user)
    calls, found = run.samples[mine], windows.spans(run, mine).later(ahead)
    refused = outcomes.failed_by(run, (REASON,))[mine]
    least, most = windows.right_waits(found, promise)
    told = calls["retry_after"]
    waits = np.where(refused, (told >= least) & (told <= most), np.isnan(told))
    return Wrong(
        answers=len(calls),
        limit=int((calls["limit"] != promise.limit).sum()),
        remaining=sum(
            _remaining(share, promise.limit) for share in shares(run, user, promise, ahead) if promise.fixed
        ),
        reset=int((~_windows(run, calls, found, promise.width, ahead)[1]).sum()) if promise.fixed else 0,
        retry_after=int((~waits).sum()),
    )


def _remaining(share: Share, limit: int) -> int:
    """How many answers of a window name a wrong `Remaining`."""
    let = share.calls[~share.refused]
    expected = limit - 1 - np.arange(len(let))
    wrong = int((np.sort(let["remaining"])[::-1] != expected).sum())
    after = let["sent"][1:] >= let["done"][:-1]
    disorder = int((after & (let["remaining"][1:] >= let["remaining"][:-1])).sum())
    return max(wrong, disorder) + int((share.calls["remaining"][share.refused] != 0).sum())
