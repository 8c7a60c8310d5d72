"""`X-RateLimit-Limit`, `-Remaining`, `-Reset` and `Retry-After` against what a fixed window makes of them.

For the n-th admitted call of an account in a window of `limit`:
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
from verdicts.measure.limits import windows
from verdicts.measure.limits.promises import Promise
from verdicts.measure.limits.windows import Spans
from verdicts.run.reading import Mask, Run

REASON = "rate_limit_exceeded"
Records = NDArray[np.void]


@dataclass(frozen=True)
class Share:
    """What one account sent to the limiter in one window, in the order of sending."""

    account: int
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


def shares(run: Run, account: int, promise: Promise) -> Iterator[Share]:
    """The windows of an account, in order. A call belongs to the window that its `Reset` names."""
    mine = at_the_limiter(run) & (run.samples["account"] == account)
    calls, refused = run.samples[mine], outcomes.failed_by(run, (REASON,))[mine]
    window = _windows(calls, windows.spans(run, mine), promise.width)[0]
    for one in np.unique(window):
        inside = np.flatnonzero(window == one)
        order = inside[np.argsort(calls["sent"][inside], kind="stable")]
        yield Share(account, int(one), calls[order], refused[order])


def _windows(calls: Records, found: Spans, width: float) -> tuple[Any, NDArray[np.bool_]]:
    """(window of each call, whether its `Reset` is the end of a window that it can have been in)."""
    first, last = found.windows(width)
    names_first = calls["reset"] == np.ceil((first + 1) * width)
    names_last = calls["reset"] == np.ceil((last + 1) * width)
    return np.where(~names_first & names_last, last, first), names_first | names_last


def check(run: Run, account: int, promise: Promise) -> Wrong:
    """Every answer that an account got from the limiter."""
    mine = at_the_limiter(run) & (run.samples["account"] == account)
    calls, found = run.samples[mine], windows.spans(run, mine)
    refused = outcomes.failed_by(run, (REASON,))[mine]
    least, most = windows.waits(found, promise.width)
    told = calls["retry_after"]
    waits = np.where(refused, (told >= least) & (told <= most), np.isnan(told))
    return Wrong(
        answers=len(calls),
        limit=int((calls["limit"] != promise.limit).sum()),
        remaining=sum(_remaining(share, promise.limit) for share in shares(run, account, promise)),
        reset=int((~_windows(calls, found, promise.width)[1]).sum()),
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
