"""Calls in fixed windows of the limiter's clock, as exactly as a client can know them.

A call was at the limiter at some instant between `sent` and `done` less the upstream's own time. Where
that span lies within one window, the call was certainly in it; where it crosses a window's edge, it may
have been in either. So a window has a least and a most count, and is found wanting only where it is for
certain:

    over     at least more admitted than the limit
    under    at most fewer admitted than the limit, though enough calls came
    known    enough came, and least and most lie less than half the limit apart: a limiter of half of it, or
             of half as much again, would be found wanting

A call without an answer may or may not have been admitted. What the suite asked beside the load (`ours`,
`verdicts.measure.limits.own_requests`) may have been admitted in place of calls. `ahead` is how many seconds
the limiter's clock is before ours (`verdicts.measure.limits.clock`).
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

    def later(self, seconds: float) -> Spans:
        """The same by a clock that is so far ahead."""
        return Spans(self.earliest + seconds, self.latest + seconds)

    def beside(self, others: Spans) -> Spans:
        """Both together."""
        return Spans(
            np.concatenate((self.earliest, others.earliest)), np.concatenate((self.latest, others.latest))
        )


NONE: Final = Spans(np.empty(0), np.empty(0))


@dataclass(frozen=True, slots=True)
class Window:
    """One window of one account or address; `start` in seconds since the run's start."""

    start: float
    offered: int  # certainly
    admitted: int  # most likely: a call was at the limiter soon after it was sent
    admitted_least: int
    admitted_most: int
    ours: int = 0  # beside the load, at most

    def over(self, limit: int) -> bool:
        """It admitted more than the limit."""
        return self.admitted_least > limit

    def under(self, limit: int) -> bool:
        """It admitted less than the limit, and less than came."""
        return self.admitted_most + self.ours < min(limit, self.offered)

    def known(self, limit: int) -> bool:
        """The limit was reached, and it is certain enough what was admitted."""
        most = self.admitted_most + (self.ours if self.admitted_most < limit else 0)
        return self.offered >= limit and 2 * (most - self.admitted_least) < limit


class Counts(NamedTuple):
    """The same of many users at once: arrays by user and window; windows begin with number `first`."""

    first: int
    offered: Indices
    admitted: Indices
    admitted_least: Indices
    admitted_most: Indices
    ours: Indices  # by window alone: any user may have asked it

    def wanting(self, limit: int) -> tuple[int, int]:
        """(windows over, windows under)."""
        over = self.admitted_least > limit
        under = self.admitted_most + self.ours < np.minimum(limit, self.offered)
        return int(over.sum()), int(under.sum())


def spans(run: Run, mask: Mask) -> Spans:
    """When the masked calls were at the limiter."""
    calls, zero = run.samples[mask], float(run.manifest.start_wall)
    upstream = np.nan_to_num(calls["upstream_s"].astype(np.float64), nan=0.0)
    latest = np.nan_to_num(calls["done"] - upstream, nan=np.inf)
    return Spans(zero + calls["sent"] - CLOCK, zero + np.maximum(latest, calls["sent"]) + CLOCK)


def counts(found: Spans, who: Indices, let: Mask, perhaps: Mask, width: float, ours: Spans = NONE) -> Counts:
    """Of calls by user number (from 0 on); `let` were admitted, `perhaps` may have been."""
    first, last = found.windows(width)
    certain, begin = first == last, int(first.min()) if len(first) else 0
    wide = int(first.max()) - begin + 1 if len(first) else 0
    users = int(who.max(initial=-1)) + 1
    first, last = first - begin, np.minimum(last - begin, wide - 1)

    def total(mask: Mask, window: Indices, room: int) -> Indices:
        sums = np.bincount(who[mask] * room + window[mask], minlength=users * room)
        return sums.astype(np.int64).reshape(users, room)

    may = let | perhaps
    steps = total(may, first, wide + 1) - total(may, last + 1, wide + 1)
    return Counts(
        first=begin,
        offered=total(certain, first, wide),
        admitted=total(let, first, wide),
        admitted_least=total(certain & let, first, wide),
        admitted_most=np.cumsum(steps, axis=1)[:, :wide],
        ours=_in_each(*ours.windows(width), begin, wide),
    )


def _in_each(first: Indices, last: Indices, begin: int, wide: int) -> Indices:
    """How many spans touch each of `wide` windows from number `begin` on."""
    inside = (last >= begin) & (first < begin + wide)
    first, last = np.maximum(first[inside] - begin, 0), np.minimum(last[inside] - begin, wide - 1)
    steps = np.bincount(first, minlength=wide + 1) - np.bincount(last + 1, minlength=wide + 1)
    found: Indices = np.cumsum(steps)[:wide].astype(np.int64)
    return found


def count(
    run: Run,
    mask: Mask,
    admitted: Mask,
    width: float,
    ahead: float = 0.0,
    perhaps: Mask | None = None,
    ours: Spans = NONE,
) -> Iterator[Window]:
    """Every window that a masked call of one user was certainly in, in order; `perhaps`: no answer."""
    may = run.samples["status"] == 0 if perhaps is None else perhaps
    one = np.zeros(int(mask.sum()), dtype=np.int64)
    calls, beside = spans(run, mask).later(ahead), ours.later(ahead)
    found = counts(calls, one, admitted[mask], may[mask], width, beside)
    zero = float(run.manifest.start_wall) + ahead
    for place in np.flatnonzero(found.offered.any(axis=0)).tolist():
        yield Window(
            start=(found.first + place) * width - zero,
            offered=int(found.offered[0, place]),
            admitted=int(found.admitted[0, place]),
            admitted_least=int(found.admitted_least[0, place]),
            admitted_most=int(found.admitted_most[0, place]),
            ours=int(found.ours[place]),
        )


def wrong_waits(run: Run, mask: Mask, promise: Promise, ahead: float = 0.0) -> int:
    """How many of the masked refusals lack a `Retry-After`, or name a time that is none of the promise's."""
    told = run.samples["retry_after"][mask]
    least, most = right_waits(spans(run, mask).later(ahead), promise)
    return int((~((told >= least) & (told <= most))).sum())


def right_waits(found: Spans, promise: Promise) -> tuple[Floats, Floats]:
    """The smallest and the largest right `Retry-After` of each refusal, whole seconds of 1 at least.

    fixed         to the end of the call's window
    sliding       until the oldest call of the window has left it
    token-bucket  until there is a token again, or until the bucket is full
    """
    if promise.fixed:
        return waits(found, promise.width)
    longest = promise.width * max(1.0, promise.size / promise.limit)
    return np.ones(len(found.earliest)), np.full(len(found.earliest), np.ceil(longest))


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
