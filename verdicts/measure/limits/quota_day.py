"""A quota per user and UTC day, as far as a run can know it: some of it may have been used before the run.

over     more admitted within a day than it allows, for certain
again    admitted though an earlier call of the same day had been refused
whole    all of the day's calls admitted before the first refusal, no more and no less; over half for certain
before   refused sooner: the rest was used before the run, or the quota is smaller. Nobody can tell.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from verdicts.measure.limits import windows
from verdicts.measure.limits.limiter import Limiter
from verdicts.measure.limits.promises import Promise
from verdicts.run.reading import Run


class QuotaDay(NamedTuple):
    """Users by what became of their day; `most`: calls that one had at least. `before` in words."""

    most: int
    over: int
    again: int
    whole: int
    before: str


def judge(run: Run, one: Limiter, promise: Promise) -> QuotaDay:
    """Every user's days."""
    over = again = whole = sooner = most = 0
    for user in np.unique(one.who[run.out]).tolist():
        mine = one.came & (one.who == user)
        ours = one.beside(user)
        days = list(windows.count(run, mine, one.let, promise.width, perhaps=one.perhaps, ours=ours))
        over += any(day.over(promise.limit) for day in days)
        most = max([most, *(day.admitted_least for day in days)])
        let, refused = windows.spans(run, mine & one.let), windows.spans(run, mine & one.refused)
        if not len(refused.earliest):
            continue
        today = np.floor(let.earliest / promise.width) == np.floor(refused.latest.min() / promise.width)
        again += bool((today & (let.earliest > refused.latest.min())).any())
        certain = int((today & (let.latest <= refused.earliest.min())).sum())
        may = int((mine & (one.let | one.perhaps)).sum())
        whole += certain <= promise.limit <= may and promise.limit < 2 * certain
        sooner += may < promise.limit
    before = f"; {sooner} were refused sooner: they may have used it before the run" if sooner else ""
    return QuotaDay(most, over, again, whole, before)
