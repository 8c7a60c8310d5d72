"""A limit per sliding window, as exactly as a client can know it: so many in any `width` seconds.

A call was at the limiter at some instant of its span (`verdicts.measure.limits.windows.spans`). So the
limiter is found wanting only where it is for certain:

    over    limit + 1 admitted calls that all were at it within less than the width
    early   a refusal, though fewer than the limit can have been admitted in the width before it
    known   a refusal for which least and most admitted in that width lie less than half the limit apart, or
            as many certainly within a width as the limit lets
"""

from __future__ import annotations

import numpy as np

from verdicts.measure.limits import windows
from verdicts.measure.limits.held import Held
from verdicts.measure.limits.promises import Promise
from verdicts.measure.limits.windows import NONE, Indices, Spans
from verdicts.run.reading import Mask, Run


def judge(run: Run, let: Mask, perhaps: Mask, refused: Mask, promise: Promise, ours: Spans = NONE) -> Held:
    """The calls of one user: admitted, perhaps admitted, refused; `ours` may have been admitted, too."""
    certain, may = windows.spans(run, let), windows.spans(run, let | perhaps).beside(ours)
    return Held(_over(certain, promise), _early(windows.spans(run, refused), may, promise))


def known(run: Run, let: Mask, perhaps: Mask, refused: Mask, promise: Promise, ours: Spans = NONE) -> bool:
    """The same calls reached the limit, and it is certain enough what was admitted."""
    certain, may = windows.spans(run, let), windows.spans(run, let | perhaps).beside(ours)
    at = windows.spans(run, refused)
    ended = np.searchsorted(np.sort(certain.latest), at.earliest, side="right")
    before = np.searchsorted(np.sort(certain.earliest), at.latest - promise.width, side="right")
    spread = _at_most(at, may, promise) - np.maximum(ended - before, 0)
    return (
        bool((2 * spread < promise.limit).any())
        or _over(certain, promise._replace(limit=promise.limit - 1)) > 0
    )


def most(run: Run, admitted: Mask, width: float) -> int:
    """How many of the masked calls were certainly at the limiter within one `width`, at most."""
    let = windows.spans(run, admitted)
    starts = np.sort(let.earliest)
    inside = ((let.earliest >= start) & (let.latest < start + width) for start in starts)
    return max((int(one.sum()) for one in inside), default=0)


def _over(let: Spans, promise: Promise) -> int:
    """How many admitted calls complete a window that holds too many."""
    if len(let.earliest) <= promise.limit:
        return 0
    order = np.argsort(let.earliest, kind="stable")
    groups = np.lib.stride_tricks.sliding_window_view(let.latest[order], promise.limit + 1)
    took = groups.max(axis=1) - let.earliest[order][: len(groups)]
    return int((took < promise.width).sum())


def _early(refused: Spans, perhaps: Spans, promise: Promise) -> int:
    return int((_at_most(refused, perhaps, promise) < promise.limit).sum())


def _at_most(refused: Spans, perhaps: Spans, promise: Promise) -> Indices:
    """How many can have been admitted in the width before each refusal."""
    begun = np.searchsorted(np.sort(perhaps.earliest), refused.latest, side="right")
    over = np.searchsorted(np.sort(perhaps.latest), refused.earliest - promise.width, side="right")
    found: Indices = begun - over
    return found
