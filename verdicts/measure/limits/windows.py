"""Calls in fixed windows of the wall clock, as exactly as a client can know them.

A call was at the limiter at some instant between `sent` and `done` less the upstream's own time. Where
that span lies within one window, the call was certainly in it; where it crosses a window's edge, it may
have been in either. So a window has a least and a most count, and is found wanting only where it is for
certain:

    over     at least more admitted than the limit
    under    at most fewer admitted than the limit, though enough calls came

A call without an answer may or may not have been admitted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from verdicts.measure.limits.promises import Promise
from verdicts.run.reading import Floats, Mask, Run

CLOCK: Final = 0.0005  # seconds that the limiter's wall clock and ours may differ
Indices = NDArray[np.int64]


class Spans(NamedTuple):
    """When each call was at the limiter, at the earliest and at the latest: Unix seconds."""

    earliest: Floats
    latest: Floats

    def windows(self, width: float) -> tuple[Indices, Indices]:
        """The first and the last window that each call may have been in."""
        first = np.floor(self.earliest / width).astype(np.int64)
        return first, np.maximum(first, np.floor(self.latest / width).astype(np.int64))


@dataclass(frozen=True, slots=True)
class Window:
    """One window of one account or address; `start` in seconds since the run's start."""

    start: float
    offered: int  # certainly
    admitted: int  # most likely: a call was at the limiter soon after it was sent
    admitted_least: int
    admitted_most: int

    def over(self, limit: int) -> bool:
        """It admitted more than the limit."""
        return self.admitted_least > limit

    def under(self, limit: int) -> bool:
        """It admitted less than the limit, and less than came."""
        return self.admitted_most < min(limit, self.offered)


def spans(run: Run, mask: Mask) -> Spans:
    """When the masked calls were at the limiter."""
    calls, zero = run.samples[mask], float(run.manifest.start_wall)
    upstream = np.nan_to_num(calls["upstream_s"].astype(np.float64), nan=0.0)
    latest = np.nan_to_num(calls["done"] - upstream, nan=np.inf)
    return Spans(zero + calls["sent"] - CLOCK, zero + np.maximum(latest, calls["sent"]) + CLOCK)


def count(run: Run, mask: Mask, admitted: Mask, width: float) -> Iterator[Window]:
    """Every window that a masked call was certainly in, in order. `admitted` are those let through."""
    first, last = spans(run, mask).windows(width)
    certain, let = first == last, admitted[mask]
    silent = run.samples["status"][mask] == 0
    zero = float(run.manifest.start_wall)
    for window in np.unique(first[certain]):
        inside = certain & (first == window)
        perhaps = (first <= window) & (window <= last) & (let | silent)
        yield Window(
            start=float(window) * width - zero,
            offered=int(inside.sum()),
            admitted=int((let & (first == window)).sum()),
            admitted_least=int((inside & let).sum()),
            admitted_most=int(perhaps.sum()),
        )


def wrong_waits(run: Run, mask: Mask, width: float) -> int:
    """How many of the masked refusals lack a `Retry-After`, or name another time than the window's end.

    Right is the whole number of seconds, rounded up and at least 1, to the end of the call's window.
    """
    told = run.samples["retry_after"][mask]
    least, most = waits(spans(run, mask), width)
    return int((~((told >= least) & (told <= most))).sum())


def waits(found: Spans, width: float) -> tuple[Floats, Floats]:
    """The smallest and the largest right `Retry-After` of each call."""
    first, last = found.windows(width)
    crosses = first != last
    shortest = np.where(crosses, 0.0, (last + 1) * width - found.latest)
    longest = np.where(crosses, width, (first + 1) * width - found.earliest)
    return np.maximum(1.0, np.ceil(shortest)), np.maximum(1.0, np.ceil(longest))


def judged(windows: list[Window], promise: Promise) -> tuple[list[Window], int, int]:
    """(windows in which the limit was reached or could have been, over, under)."""
    busy = [one for one in windows if one.offered >= promise.limit]
    over = sum(one.over(promise.limit) for one in windows)
    return busy, over, sum(one.under(promise.limit) for one in windows)
