"""How many calls ran at once, from the callers' samples alone.

An answered call was with the upstream for `u` seconds somewhere between `sent` and `done`, so certainly
during [done − u, sent + u]. The most of these at once were certainly reached (`least`); more than the
most of the whole spans [sent, done] at once were never reached (`most`).
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from verdicts.measure.calls import outcomes, tool_times
from verdicts.run.reading import Floats, Mask, Run

SLOW: Final = 1.0  # seconds of its own: a tool of so many or more is slow


class Bounds(NamedTuple):
    """The peak lies between these, both included."""

    least: int
    most: int

    def __str__(self) -> str:
        return f"{self.most:,}" if self.least == self.most else f"{self.least:,} to {self.most:,}"


def ran(run: Run) -> Mask:
    """Calls that went out and that no protection refused, extra ones among them."""
    mask: Mask = run.out & ~outcomes.refused(run)
    return mask


def slow_tools(run: Run) -> list[int]:
    """Codes of the tools that were called and whose own time is `SLOW` or more; by their role, if unknown."""
    return [int(code) for code in np.unique(run.samples["tool"][ran(run)]) if _is_slow(run, int(code))]


def _is_slow(run: Run, code: int) -> bool:
    """An attack that makes a fast tool slow to answer does not make it a slow tool."""
    seconds = tool_times.own_seconds(run, code)
    return tool_times.called_slow(run, code) if np.isnan(seconds) else seconds >= SLOW


def slow(run: Run) -> Mask:
    """Calls of slow tools that were not refused."""
    mask: Mask = ran(run) & np.isin(run.samples["tool"], slow_tools(run))
    return mask


def bounds(run: Run, mask: Mask) -> Bounds:
    """The most of the masked calls at once."""
    calls = run.samples[mask]
    told = calls[~np.isnan(calls["upstream_s"])]
    u = told["upstream_s"].astype(np.float64)
    return Bounds(peak(told["done"] - u, told["sent"] + u), peak(calls["sent"], calls["done"]))


def by_account(run: Run, mask: Mask) -> dict[int, Bounds]:
    """The same for each account that has such a call."""
    accounts = run.samples["account"]
    return {int(one): bounds(run, mask & (accounts == one)) for one in np.unique(accounts[mask])}


def peak(starts: Floats, ends: Floats) -> int:
    """The most spans at one instant; spans that would end before they start count for nothing."""
    whole = starts < ends
    t = np.concatenate([starts[whole], ends[whole]])
    step = np.repeat([1, -1], int(whole.sum()))
    order = np.lexsort((step, t))  # at one instant: ends before starts
    return int(np.cumsum(step[order]).max(initial=0))
