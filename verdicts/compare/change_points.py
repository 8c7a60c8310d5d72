"""Where a figure changed its level, over the runs of one attack: no threshold, a test against its own spread.

    for one in changes(values, "ratio"):
        one.at                   the first run of the new level, a place in `values`
        one.before, one.after    the levels: geometric means, means of shares
        one.seen                 how many runs there were when it could be said

The runs are followed one by one, as they were made. With each, the runs since the last change are split at
every place that leaves `AFTER` runs behind it and has `KNOWN` runs of the series before it. The split with
the largest t statistic of its two sides' means (Worsley's, of 1979, for one change among normal values) is
a change where

    its p, times the number of splits tried, is at most `ALPHA`: so rarely in each of many looks that a series
    that never changes has no change at all, ever, in 499 of 500
    the difference is `LEAST` of the level at least; of a share 0.1 points
    of all pairs of a run before and a run after, `APART` have the later one on the change's side: a few wild
    runs are no level

The spread is that of all levels so far, and at least that of the runs that are split. What is found is then
put where all runs around it say that it happened, where they are `APART` there, too: one wild run moves no
change. Measured rates, and why neither Otava nor ruptures: docs/adr/0022-change-points.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, Literal, NamedTuple

import numpy as np

from verdicts import student_t
from verdicts.compare.statistics import Values

Scale = Literal["ratio", "share"]
ALPHA: Final = 1 / 8000
AFTER: Final = 3
KNOWN: Final = 8
LEAST: Final[dict[Scale, float]] = {"ratio": 0.02, "share": 0.001}
APART: Final = 0.95
SETTLED: Final = 10  # runs of a worse level that are held against the one before
_DUST: Final = 1e-12  # of the values: a spread below it is the float's own
_TINY: Final = 1e-300
_MOST: Final = 1e6  # a t as large as any


class ChangePoint(NamedTuple):
    """One change; see the module's text."""

    at: int
    before: float
    after: float
    seen: int

    @property
    def relative(self) -> float:
        """The difference as a share of the level before; infinite from 0."""
        difference = self.after - self.before
        return difference / abs(self.before) if self.before else math.copysign(math.inf, difference)


class _Split(NamedTuple):
    """The best place to split some runs, and its t."""

    at: int
    t: float


class _Spread(NamedTuple):
    """Of the levels that are over: their sum of squares around their means, its degrees of freedom."""

    squares: float = 0.0
    df: int = 0


def changes(values: Sequence[float] | Values, scale: Scale) -> list[ChangePoint]:
    """Every change, the first one first. `values`: one of each run, finite, in the order of the runs."""
    if len(values) < KNOWN + AFTER:
        return []
    y = np.asarray(values, dtype=np.float64)
    logarithmic = _logarithmic(y, scale)
    scaled = np.log(y) if logarithmic else y
    least = math.log1p(LEAST[scale]) if logarithmic else LEAST[scale]
    relative = scale == "ratio" and not logarithmic
    found = _followed(scaled, least, relative=relative)
    edges = [0, *_placed(scaled, [at for at, _ in found]), len(y)]
    levels = [_level(scaled[first:last], logarithmic) for first, last in pairwise(edges)]
    return [
        ChangePoint(edges[place + 1], levels[place], levels[place + 1], seen)
        for place, (_, seen) in enumerate(found)
    ]


def level(values: Sequence[float], scale: Scale) -> float:
    """The mean of runs that are one level, as `changes` takes it."""
    y = np.asarray(values, dtype=np.float64)
    logarithmic = _logarithmic(y, scale)
    return _level(np.log(y) if logarithmic else y, logarithmic)


def settled(values: Sequence[float], scale: Scale, better: str) -> Sequence[float]:
    """The runs that one more is held against: the newest level, or while it is a worse one that has fewer
    than `SETTLED` runs the level before it."""
    found = changes(values, scale)
    edges = [0, *(one.at for one in found), len(values)]
    last = len(edges) - 2
    if found and _worse(found[-1], better) and edges[-1] - edges[-2] < SETTLED:
        last -= 1
    return values[edges[last] : edges[last + 1]]


def worsened(values: Sequence[float], scale: Scale, better: str) -> ChangePoint | None:
    """The newest change, where it is for the worse, has at most `SETTLED` runs, and the last run is of it:
    one that is better again stands nearer to the level before (its median, which no wild run moves)."""
    found = changes(values, scale)
    if not found or not _worse(found[-1], better) or len(values) - found[-1].at > SETTLED:
        return None
    last, start = found[-1], found[-2].at if len(found) > 1 else 0
    before, after = (float(np.median(part)) for part in (values[start : last.at], values[last.at :]))
    return last if abs(values[-1] - after) <= abs(values[-1] - before) else None


def _logarithmic(y: Values, scale: Scale) -> bool:
    return scale == "ratio" and float(y.min()) > 0


def _worse(one: ChangePoint, better: str) -> bool:
    return (one.after > one.before) == (better == "lower")


def _followed(y: Values, least: float, *, relative: bool) -> list[tuple[int, int]]:
    """(place, runs by then) of each change, as the series grew."""
    found: list[tuple[int, int]] = []
    first, spread = 0, _Spread()
    for end in range(KNOWN + AFTER, len(y) + 1):
        level = y[first:end]
        smallest = max(AFTER, KNOWN - first)
        tried = len(level) - AFTER - smallest + 1
        if tried < 1:
            continue
        floor = least * abs(float(level.mean())) if relative else least
        best = _best(level, smallest, AFTER, spread, floor)
        df = len(level) - 2 + spread.df
        if 2 * student_t.below(-best.t, df) * tried > ALPHA or not _apart(level, best.at):
            continue
        found.append((first + best.at, end))
        spread = _Spread(spread.squares + _squares(level[: best.at]), spread.df + best.at - 1)
        first += best.at
    return found


def _best(level: Values, smallest: int, after: int, spread: _Spread, floor: float) -> _Split:
    """Split with at least `smallest` runs before and `after` behind: where t is largest."""
    n, sums = len(level), np.cumsum(level)
    places = np.arange(smallest, n - after + 1)
    left = sums[places - 1] / places
    difference = (sums[-1] - sums[places - 1]) / (n - places) - left
    whole = _squares(level)
    squares = np.maximum(whole - difference**2 * places * (n - places) / n, 0.0)
    own, pooled = squares / max(n - 2, 1), (squares + spread.squares) / max(n - 2 + spread.df, 1)
    dust = (_DUST * float(np.abs(level).max())) ** 2
    error = np.sqrt(np.maximum(np.maximum(own, pooled), dust) * (1 / places + 1 / (n - places)))
    size = np.abs(difference)
    t = np.where(size >= floor, np.minimum(size / np.maximum(error, _TINY), _MOST), 0.0)
    best = int(t.argmax())
    return _Split(int(places[best]), float(t[best]))


def _apart(level: Values, at: int) -> bool:
    before, after = level[:at], level[at:]
    above = float(np.mean(after[:, None] > before[None, :]))
    below = float(np.mean(after[:, None] < before[None, :]))
    return max(above, below) >= APART


def _placed(y: Values, found: list[int]) -> list[int]:
    """Each change where the runs of both its levels, all of them, say that it happened, if they say it."""
    placed: list[int] = []
    for place, at in enumerate(found):
        first = placed[-1] if placed else 0
        last = found[place + 1] if place + 1 < len(found) else len(y)
        level = y[first:last]
        best = _best(_bounded(level, at - first), AFTER, AFTER, _Spread(), 0.0).at
        placed.append(first + best if _apart(level, best) else at)
    return placed


def _bounded(level: Values, at: int) -> Values:
    """With no run further out than one step beyond the two levels, however wild it is."""
    before, after = np.median(level[:at]), np.median(level[at:])
    step = abs(after - before)
    return np.clip(level, min(before, after) - step, max(before, after) + step)


def _squares(values: Values) -> float:
    apart = values - values.sum() / len(values)
    return float(apart @ apart)


def _level(values: Values, logarithmic: bool) -> float:
    mean = float(values.mean())
    return math.exp(mean) if logarithmic else mean
