"""How far a call came: refused at the edge, or passed on to an origin."""

from __future__ import annotations

from typing import Final

from verdicts.measure.calls import outcomes
from verdicts.run.reading import Mask, Run

# What the edge itself answers; everything else came from behind it.
AT_THE_EDGE: Final = (
    "ip_limit_exceeded",
    "burst_exceeded",
    "missing_token",
    "invalid_token",
    "kv_error",
    "worker_cpu_exceeded",
    "origin_unavailable",
    "refused",
)


def answered(run: Run) -> Mask:
    """Calls that got an HTTP answer."""
    mask: Mask = run.out & (run.samples["status"] > 0)
    return mask


def past_the_edge(run: Run) -> Mask:
    """Answered calls that the edge passed on."""
    return answered(run) & ~outcomes.failed_by(run, AT_THE_EDGE)
