"""The part of a response time that the gateway answers for.

A fast tool's calls count whole. Of a slow tool's calls (`concurrency.slow_tools`) the upstream's own
time is taken away where it was told: three seconds in Notion are no fault of the gateway.
"""

from __future__ import annotations

import numpy as np

from verdicts.measure.calls import concurrency, percentiles
from verdicts.run.reading import Floats, Mask, Run


def seconds(run: Run, mask: Mask) -> Floats:
    """What the gateway answers for, of the masked calls."""
    calls = run.samples[mask]
    upstream = calls["upstream_s"].astype(np.float64)
    theirs = np.isin(calls["tool"], concurrency.slow_tools(run)) & ~np.isnan(upstream)
    return percentiles.response(run, mask) - np.where(theirs, upstream, 0.0)


def is_part(run: Run) -> bool:
    """It differs from the response time: a slow tool told its own time."""
    slow = np.isin(run.samples["tool"], concurrency.slow_tools(run))
    return bool((run.ok & slow & ~np.isnan(run.samples["upstream_s"])).any())
