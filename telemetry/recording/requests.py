"""Which samples are requests: without extra calls and what was never sent, as many as the ledger's `sent`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from telemetry.recording.sample import Flag, Outcome


def counted(samples: NDArray[np.void]) -> NDArray[np.void]:
    """The samples that are requests: sent, and part of the schedule; each has all its times."""
    kept = (samples["flags"] & Flag.EXTRA == 0) & (samples["outcome"] != Outcome.DROPPED)
    found: NDArray[np.void] = samples if kept.all() else samples[kept]
    for time, earlier in (("sent", "planned"), ("done", "sent")):  # a call without an end still counts
        unknown = np.isnan(found[time])
        if unknown.any():
            found = found.copy()
            found[time][unknown] = found[earlier][unknown]
    return found
