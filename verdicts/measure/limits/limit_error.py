"""How far the rate limit is off in each whole window: (admitted − allowed) / allowed.

A window is aligned to the Unix epoch, as the origins' own are, and counts if it lay whole within the load
and as many calls as are allowed came. Admitted by an origin is what an instance answered and did not refuse
for the limit; calls without an answer of an instance are `unknown`, so admitted is a least count.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

import numpy as np

from verdicts.measure.limits import limiter, promises, rate_headers, users
from verdicts.measure.limits.limiter import Limiter
from verdicts.measure.limits.promises import Promise
from verdicts.measure.limits.rate_headers import Share
from verdicts.measure.target import balancer_states
from verdicts.run.reading import Run

EDGE: Final = 0.01  # seconds: a run that begins so close to a window's start holds the whole window


class RateWindow(NamedTuple):
    """One account's whole window; `start` in seconds since the run's start."""

    account: int
    start: float
    came: int
    admitted: Mapping[str, int]  # by origin
    refused: int
    unknown: int
    promise: Promise
    states: tuple[str, ...]

    @property
    def error(self) -> float:
        """1.0 is twice what is allowed."""
        return sum(self.admitted.values()) / self.promise.limit - 1

    @property
    def split(self) -> bool:
        """Two origins shared the calls for the whole of it."""
        return bool(self.states) and set(self.states) <= set(balancer_states.SPLITS)


def windows(run: Run) -> list[RateWindow]:
    """Every whole window in which the limit could be reached, by account and in order."""
    one = limiter.of(run, limiter.RATE, users.of(run))
    return [
        window
        for account in np.unique(one.who[run.out]).tolist()
        if (promise := promises.rate(run, run.manifest.accounts[account].tier)) is not None and promise.fixed
        for window in _of(run, one, account, promise)
    ]


def judged(found: list[RateWindow]) -> list[RateWindow]:
    """The windows that were split throughout; where none was, all of them."""
    return [window for window in found if window.split] or found


def _of(run: Run, one: Limiter, account: int, promise: Promise) -> Iterator[RateWindow]:
    zero = float(run.manifest.start_wall)
    for share in rate_headers.shares(run, one, account, promise):
        start = share.window * promise.width - zero
        whole = start >= -EDGE and start + promise.width <= run.load_end + EDGE
        unknown = _unknown(run, one, account, start, promise.width)
        if whole and len(share.calls) + unknown >= promise.limit:
            yield RateWindow(
                account, start, len(share.calls) + unknown, _admitted(run, share), int(share.refused.sum()),
                unknown, promise, _states(run, share, start, promise.width),
            )  # fmt: skip


def _unknown(run: Run, one: Limiter, account: int, start: float, width: float) -> int:
    calls = run.samples
    mine = run.out & (one.who == account) & ~(one.let | one.refused)
    return int((mine & (calls["sent"] >= start) & (calls["sent"] < start + width)).sum())


def _states(run: Run, share: Share, start: float, width: float) -> tuple[str, ...]:
    """The balancer's; where it told none it was split where more than one instance answered."""
    if run.manifest.bundled and not balancer_states.untold(run):
        return balancer_states.during(run, start + EDGE, start + width - EDGE)
    return ("split",) if len(np.unique(share.calls["instance"])) > 1 else (balancer_states.PRIMARY,)


def _admitted(run: Run, share: Share) -> dict[str, int]:
    codes, counts = np.unique(share.calls["instance"][~share.refused], return_counts=True)
    found: dict[str, int] = {}
    for code, count in zip(codes.tolist(), counts.tolist(), strict=True):
        name = _name(run, share.user, code)
        found[name] = found.get(name, 0) + count
    return found


def _name(run: Run, account: int, code: int) -> str:
    """Whose instance that is: `origin-a-1f2e` is origin-a's; a target's instances stand for themselves."""
    worker = int(run.worker[run.samples["account"] == account][0])
    table = run.instances[run.workers[worker]]
    name = table[code] if code < len(table) else ""
    return name.rpartition("-")[0] or name if run.manifest.bundled else name
