"""The part of a response time that the gateway answers for.

A fast tool's calls count whole. Of a slow tool's calls (`concurrency.slow_tools`) the upstream's own
time is taken away where it was told: three seconds in Notion are no fault of the gateway.
"""

from __future__ import annotations

import numpy as np

from verdicts.measure.calls import concurrency
from verdicts.run.reading import Floats, Mask, Run
from verdicts.run.samples import Column, Records, Values


def seconds(run: Run, mask: Mask) -> Values:
    """What the gateway answers for, of the masked calls."""
    return Values(_column(run), mask)


def _column(run: Run) -> Column:
    slow = concurrency.slow_tools(run)

    def added(part: slice, records: Records) -> Floats:
        upstream = records["upstream_s"].astype(np.float64)
        theirs = np.isin(records["tool"], slow) & ~np.isnan(upstream)
        seconds: Floats = records["done"] - records["planned"] - np.where(theirs, upstream, 0.0)
        return seconds

    return run.samples.derived(added)


def is_part(run: Run) -> bool:
    """It differs from the response time: a slow tool told its own time."""
    slow = run.samples["tool"].isin(concurrency.slow_tools(run))
    return bool((run.ok & slow & ~np.isnan(run.samples["upstream_s"])).any())
