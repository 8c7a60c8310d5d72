"""How many calls ran at once, from the callers' samples alone.

An answered call was with the upstream for `u` seconds somewhere between `sent` and `done`, so certainly
during [done − u, sent + u]. The most of these at once were certainly reached (`least`); more than the
most of the whole spans [sent, done] at once were never reached (`most`). A call of `batch` is as many as its
commands: one for certain, `COMMANDS` at most.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from telemetry.recording.sample import Outcome
from verdicts.measure.calls import outcomes, percentiles
from verdicts.run.reading import Floats, Mask, Run

BATCH: Final = "batch"  # the tool that runs several commands at once
COMMANDS: Final = 10  # of a batch
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


@lru_cache(maxsize=4)
def slow_tools(run: Run) -> tuple[int, ...]:
    """Codes of the tools that were called and whose own time is `SLOW` or more; by their role, if unknown."""
    codes = run.samples["tool"].of(ran(run)).counts()[0].tolist()
    return tuple(code for code in codes if _is_slow(run, code))


def _is_slow(run: Run, code: int) -> bool:
    """An attack that makes a fast tool slow to answer does not make it a slow tool."""
    seconds = own_seconds(run, code)
    return called_slow(run, code) if math.isnan(seconds) else seconds >= SLOW


def own_seconds(run: Run, code: int) -> float:
    """The tool's own time: by `Server-Timing` of calls that succeeded, else in the quiet; NaN if unknown."""
    told = percentiles.upstream(run, run.became(Outcome.OK) & (run.samples["tool"] == code))
    if told.size:
        return percentiles.median(told)
    return run.manifest.quiet.get(run.manifest.tools[code], math.nan)


def called_slow(run: Run, code: int) -> bool:
    """The scenario calls it a slow one."""
    label = run.manifest.tools[code]
    tools = (tool for group in run.scenario.get("groups", ()) for tool in group.get("tools", ()))
    return any(tool.get("role") == "slow" and label_of(tool) == label for tool in tools)


def label_of(tool: Mapping[str, object]) -> str:
    """How reports name a tool of `run.json`'s scenario."""
    return str(tool["name"]) if "name" in tool else f"{tool['module']}.{tool['tool']}"


def slow(run: Run) -> Mask:
    """Calls of slow tools that were not refused."""
    mask: Mask = ran(run) & run.samples["tool"].isin(slow_tools(run))
    return mask


def bounds(run: Run, mask: Mask) -> Bounds:
    """The most of the masked calls at once."""
    calls = run.samples[mask]
    told = calls[~np.isnan(calls["upstream_s"])]
    u = told["upstream_s"].astype(np.float64)
    batches = [code for code, label in enumerate(run.manifest.tools) if label == BATCH]
    weights = np.where(np.isin(calls["tool"], batches), COMMANDS, 1)
    return Bounds(peak(told["done"] - u, told["sent"] + u), peak(calls["sent"], calls["done"], weights))


def by_account(run: Run, mask: Mask) -> dict[int, Bounds]:
    """The same for each account that has such a call."""
    accounts = run.samples["account"]
    return {int(one): bounds(run, mask & (accounts == one)) for one in np.unique(accounts[mask])}


def peak(starts: Floats, ends: Floats, weights: NDArray[np.int64] | None = None) -> int:
    """The most spans at one instant; spans that would end before they start count for nothing.

    `weights`: as how many each counts, one if it is not given.
    """
    whole = starts < ends
    each = np.ones(len(starts), dtype=np.int64)[whole] if weights is None else weights[whole]
    t = np.concatenate([starts[whole], ends[whole]])
    step = np.concatenate([each, -each])
    order = np.lexsort((step, t))  # at one instant: ends before starts
    return int(np.cumsum(step[order]).max(initial=0))
