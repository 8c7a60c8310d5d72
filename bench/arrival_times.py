"""How far real arrivals were from an ideal constant rate, as an independent server saw them.

The same for every tool: the k-th arrival (in order of arrival) belongs at `zero + k / rate`. No tool
says when its zero was, so zero is fitted: the largest at which no arrival is early, that is
min over k of (arrival k − k / rate). A delay is what an arrival is behind that. The server's own
lateness in reading is in it, alike for all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Delays:
    """Percentiles of the delay against the ideal schedule, in milliseconds."""

    p50: float
    p99: float
    max: float


def delays(arrived: NDArray[np.float64], rate: float) -> Delays:
    """`arrived` in seconds, `rate` per second. ValueError when nothing arrived."""
    behind = behind_schedule(arrived, rate) * 1000
    p50, p99 = np.percentile(behind, [50, 99])
    return Delays(float(p50), float(p99), float(behind.max()))


def behind_schedule(arrived: NDArray[np.float64], rate: float) -> NDArray[np.float64]:
    """Seconds that each arrival is behind the fitted ideal schedule; the smallest is 0."""
    if not len(arrived):
        raise ValueError("nothing arrived")
    ordered = np.sort(arrived)
    offsets = ordered - np.arange(len(ordered)) / rate
    return np.asarray(offsets - offsets.min())
