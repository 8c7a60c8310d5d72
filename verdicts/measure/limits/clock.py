"""How far a limiter's clock is ahead of ours, and whether its windows are right by that clock.

A fixed window begins with a whole second (minute) of the limiter's clock. Where an admitted call follows a
refused one of the same user, a window began between the two, so each such pair bounds the phase; all of them
together leave a short span. Without one, the answers' `Date` bounds the clock to a second or two, which is
enough for windows of a minute. Within what is left, windows are held against the promise at several phases,
and found wanting only if they are at each.

Where nothing bounds the clock, the whole circle is tried. If the windows are wrong by our clock and right by
another, nobody knows which: that is `doubt`, in words. The bundled stack's clock is ours.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from verdicts.measure.limits import windows
from verdicts.measure.limits.held import Held
from verdicts.measure.limits.promises import Promise
from verdicts.measure.limits.windows import Indices, Spans
from verdicts.run.reading import Mask, Run

TRIED: Final = 9  # phases within a bound
ROUND: Final = 64  # phases of the whole circle
ALIKE: Final = 0.005  # seconds: a clock that is no further off is not worth a word


class Calls(NamedTuple):
    """Calls at the limiter: by user from 0 on, and what became of each."""

    at: Spans
    who: Indices
    let: Mask
    perhaps: Mask
    refused: Mask
    ours: Spans = windows.NONE


class _Bound(NamedTuple):
    """The clock is ahead by `least` to `most` seconds; `how` it is known."""

    least: float
    most: float
    how: str

    def phases(self) -> list[float]:
        """The middle first, or no offset at all where that is possible."""
        spread = np.linspace(self.least, self.most, TRIED).tolist()
        middle = [0.0] if self.least <= ALIKE and self.most >= -ALIKE else []
        return [*middle, spread[TRIED // 2], *spread]


def judge(run: Run, calls: Calls, promise: Promise) -> Held:
    """The windows of all users against the promise."""
    if run.manifest.bundled or not len(calls.who):
        return Held(*_wanting(calls, promise, 0.0))
    bound = _bound(run, calls, promise)
    if bound is not None:
        best = min((_at(calls, promise, ahead) for ahead in bound.phases()), key=lambda one: one.wrong)
        off = abs(best.ahead) > ALIKE
        return best._replace(told=_told(best.ahead, bound.how)) if off else best
    ours = Held(*_wanting(calls, promise, 0.0))
    if not ours.wrong:
        return ours
    others = (_at(calls, promise, ahead) for ahead in np.linspace(0, promise.width, ROUND, endpoint=False))
    right = next((one for one in others if not one.wrong), None)
    if right is None:
        return ours
    doubt = (
        f"by our clock {ours.over} windows admitted more and {ours.under} less than promised, by one that is "
        f"{_offset(right.ahead, promise.width):+.2f} s off none, and nothing tells the limiter's clock"
    )
    return ours._replace(doubt=doubt)


def _at(calls: Calls, promise: Promise, ahead: float) -> Held:
    return Held(*_wanting(calls, promise, ahead), float(ahead))


def _wanting(calls: Calls, promise: Promise, ahead: float) -> tuple[int, int]:
    at, ours = calls.at.later(ahead), calls.ours.later(ahead)
    found = windows.counts(at, calls.who, calls.let, calls.perhaps, promise.width, ours)
    return found.wanting(promise.limit)


def _told(ahead: float, how: str) -> str:
    return (
        f"The limiter's clock is {abs(ahead):.2f} s {'ahead of' if ahead > 0 else 'behind'} ours, by {how}."
    )


def _bound(run: Run, calls: Calls, promise: Promise) -> _Bound | None:
    """What is known of the clock: by the windows' phase where it shows, otherwise by `Date`."""
    dated = by_date(run)
    begun = _common(_begins(calls, promise.width), promise.width)
    if begun is not None:
        least, most = -begun[1], -begun[0]
        near = (dated[0] + dated[1]) / 2 if dated else 0.0
        turns = round((near - (least + most) / 2) / promise.width) * promise.width
        return _Bound(least + turns, most + turns, "the phase of its windows")
    if dated is not None and dated[1] - dated[0] < promise.width / 4:
        return _Bound(*dated, "the `Date` of its answers")
    return None


def by_date(run: Run) -> tuple[float, float] | None:
    """Seconds that the target's clock is ahead, at least and at most; None where no answer told."""
    told = [lines[-1] for lines in run.ledgers.values() if lines]
    found = [one for one in told if isinstance(one.target_least, float)]
    least = max((float(one.target_least) for one in found), default=np.nan)  # type: ignore[arg-type]
    most = min((float(one.target_most) for one in found), default=np.nan)  # type: ignore[arg-type]
    zero = float(run.manifest.start_wall)
    return (least - zero, most - zero) if least <= most else None


def _begins(calls: Calls, width: float) -> NDArray[np.float64]:
    """Spans by our clock (Unix seconds) in each of which a window began for certain, a row each.

    Columns: the refused call's earliest instant, the admitted one's earliest and latest.
    """
    order = np.lexsort((calls.at.earliest, calls.who))
    who, let, refused = calls.who[order], calls.let[order], calls.refused[order]
    earliest, latest = calls.at.earliest[order], calls.at.latest[order]
    pairs = refused[:-1] & let[1:] & (who[:-1] == who[1:]) & (latest[:-1] <= earliest[1:])
    pairs &= latest[1:] - earliest[:-1] < width / 2  # a longer one could be turned either way
    return np.stack((earliest[:-1][pairs], earliest[1:][pairs], latest[1:][pairs]), axis=1)


def _common(begins: NDArray[np.float64], width: float) -> tuple[float, float] | None:
    """The phase (s, up to a turn) that all spans share; None where there is no such, or no span.

    A window that began while an admitted call was on its way began before that call was counted: so it is its
    earliest instant that tells the phase, where all spans agree on that.
    """
    if not len(begins):
        return None
    shift = begins[:, 0] - begins[0, 0]
    turned = begins - (np.round(shift / width) * width)[:, None]
    least, sure, most = turned[:, 0].max(), turned[:, 1].min(), turned[:, 2].min()
    if least > most:
        return None
    first = _offset(float(least), width)
    return first, first + float((sure if sure >= least else most) - least)


def _offset(seconds: float, width: float) -> float:
    """The same phase, between half a width before and half a width after zero."""
    return float((seconds + width / 2) % width - width / 2)
