"""The part of a response time that the gateway answers for.

A fast tool's calls count whole. Of a slow tool's calls (`concurrency.slow_tools`) the tool's own time
(`tool_times`) is taken away where it is known: three seconds in Notion are no fault of the gateway.
"""

from __future__ import annotations

import numpy as np

from verdicts.measure.calls import concurrency, percentiles, tool_times
from verdicts.run.reading import Floats, Mask, Run


def seconds(run: Run, mask: Mask) -> Floats:
    """What the gateway answers for, of the masked calls."""
    calls = run.samples[mask]
    own = tool_times.of_calls(run)[mask]
    theirs = np.isin(calls["tool"], concurrency.slow_tools(run)) & ~np.isnan(own)
    return percentiles.response(run, mask) - np.where(theirs, own, 0.0)


def is_part(run: Run) -> bool:
    """It differs from the response time: a slow tool's own time is known."""
    slow = np.isin(run.samples["tool"], concurrency.slow_tools(run))
    return bool((run.ok & slow & ~np.isnan(tool_times.of_calls(run))).any())
