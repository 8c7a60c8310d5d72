"""A token bucket, as exactly as a client can know it: `size` tokens at most, `limit` more in `width` seconds.

A call was at the limiter at some instant of its span (`verdicts.measure.limits.windows.spans`), and a bucket
may be filled by whole tokens, so one token either way proves nothing. Found wanting is what is certain:

    over     in some time more were admitted than a full bucket and its refill can give, and one more
    early    a refusal, though two tokens at least must have been there
    known    a refusal for which the least and the most that can have been there lie less than half of `size`
             apart
"""

from __future__ import annotations

from typing import Final

import numpy as np

from verdicts.measure.limits import windows
from verdicts.measure.limits.held import Held
from verdicts.measure.limits.promises import Promise
from verdicts.measure.limits.windows import NONE, Spans
from verdicts.run.reading import Floats, Mask, Run

WHOLE: Final = 1.0  # token


def judge(run: Run, let: Mask, perhaps: Mask, refused: Mask, promise: Promise, ours: Spans = NONE) -> Held:
    """The calls of one user: admitted, perhaps admitted, refused; `ours` may have been admitted, too."""
    certain, may = windows.spans(run, let), windows.spans(run, let | perhaps).beside(ours)
    return Held(_over(certain, promise), _early(windows.spans(run, refused), may, promise))


def known(run: Run, let: Mask, perhaps: Mask, refused: Mask, promise: Promise, ours: Spans = NONE) -> bool:
    """The same calls emptied the bucket, and it is certain enough what was in it."""
    certain, may = windows.spans(run, let), windows.spans(run, let | perhaps).beside(ours)
    latest, earliest = np.sort(may.latest), np.sort(may.earliest)
    at = windows.spans(run, refused)
    return any(
        2 * (_most(start, end, certain, promise) - max(0.0, _least(start, end, latest, earliest, promise)))
        < promise.size
        for start, end in zip(at.earliest.tolist(), at.latest.tolist(), strict=True)
    )


def _over(let: Spans, promise: Promise) -> int:
    """How many admitted calls find no token. Of calls i to j: j − i + 1 <= size + rate × (their time)."""
    rate = promise.limit / promise.width
    quick = let.latest - let.earliest < promise.width  # a long call would hide what came after it
    order = np.argsort(let.earliest[quick], kind="stable")
    earliest, latest = let.earliest[quick][order], np.maximum.accumulate(let.latest[quick][order])
    number = np.arange(len(order))
    least = np.minimum.accumulate(number - rate * earliest)
    return int((number + 1 - rate * latest - least > promise.size + WHOLE).sum())


def _early(refused: Spans, may: Spans, promise: Promise) -> int:
    """How many refusals met tokens: the least that can have been there is over all times of a full bucket."""
    latest, earliest = np.sort(may.latest), np.sort(may.earliest)
    return sum(
        _least(start, end, latest, earliest, promise) >= 1 + WHOLE
        for start, end in zip(refused.earliest.tolist(), refused.latest.tolist(), strict=True)
    )


def _least(start: float, end: float, latest: Floats, earliest: Floats, promise: Promise) -> float:
    """Tokens at least in the bucket from `start` to `end`."""
    gone = len(latest) - int(np.searchsorted(earliest, end, side="right"))  # came later for certain
    full = np.append(latest[latest <= start], start)
    taken = len(latest) - np.searchsorted(latest, full, side="left") - gone
    return float((promise.size + promise.limit / promise.width * (start - full) - taken).min())


def _most(start: float, end: float, let: Spans, promise: Promise) -> float:
    """Tokens at most in the bucket from `start` to `end`: short calls alone, as for `_over`."""
    before = (let.latest <= start) & (let.latest - let.earliest < promise.width)
    full = np.sort(let.earliest[before])
    left = promise.size + promise.limit / promise.width * (end - full) - np.arange(len(full), 0, -1)
    return float(min(promise.size, left.min(initial=np.inf)))
