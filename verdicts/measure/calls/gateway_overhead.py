"""The part of a response time that the gateway answers for.

A fast tool's calls count whole. Of a slow tool's calls (`concurrency.slow_tools`) the tool's own time
(`tool_times`) is taken away where it is known: three seconds in Notion are no fault of the gateway.
"""

from __future__ import annotations

import numpy as np

from verdicts.measure.calls import concurrency, tool_times
from verdicts.run.reading import Floats, Mask, Run
from verdicts.run.samples import Column, Records, Values


def seconds(run: Run, mask: Mask) -> Values:
    """What the gateway answers for, of the masked calls."""
    return Values(_column(run), mask)


def _column(run: Run) -> Column:
    slow, own = concurrency.slow_tools(run), tool_times.of_calls(run)

    def added(part: slice, records: Records) -> Floats:
        known = own.evaluate(part, records)
        theirs = np.isin(records["tool"], slow) & ~np.isnan(known)
        seconds: Floats = records["done"] - records["planned"] - np.where(theirs, known, 0.0)
        return seconds

    return run.samples.derived(added)


def is_part(run: Run) -> bool:
    """It differs from the response time: a slow tool's own time is known."""
    slow = run.samples["tool"].isin(concurrency.slow_tools(run))
    return bool((run.ok & slow & ~np.isnan(tool_times.of_calls(run))).any())
