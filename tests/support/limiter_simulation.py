"""Synthetic runs through limiters that do exactly what they promise, or what a test bends them to."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from telemetry.recording.sample import REASON_CODE, Outcome
from tests.support.synthetic_run import Change, Samples, Spec

ZERO = 1764000000.0  # start_wall of synthetic runs; a whole minute
BETWEEN = ZERO + 0.025  # start_wall with no arrival of 20 a second near a second's edge
HOP = 0.001  # seconds from the client to the limiter


def spec(point: str, **fields: Any) -> Spec:
    """One account, one point, no refusals but those that a `change` makes."""
    values: dict[str, Any] = {"duration": 6.0, "accounts": 1, "rate": 20.0, "chances": {}, **fields}
    data = {"points": [point], "thresholds": {}, **values.pop("scenario_data", {})}
    return Spec(scenario_data=data, **values)


def refuse(calls: Samples, at: int, reason: str, wait: float) -> None:
    """Turn call `at` into a refusal that says to wait."""
    calls["outcome"][at], calls["reason"][at] = Outcome.FAILED, REASON_CODE[reason]
    calls["status"][at], calls["retry_after"][at] = 429, wait
    calls["done"][at], calls["upstream_s"][at] = calls["sent"][at] + 2 * HOP, np.nan


def burst(limit: int = 5, wait: int | None = None, always: bool = False) -> Change:
    """A burst limit at the edge. `wait` replaces the right Retry-After; `always`: its window never ends."""

    def change(samples: Samples) -> Samples:
        seen: Counter[tuple[int, int]] = Counter()
        for at in np.argsort(samples["sent"], kind="stable"):
            window = math.floor(BETWEEN + samples["sent"][at] + HOP)
            key = (int(samples["account"][at]), 0 if always else window)
            seen[key] += 1
            if seen[key] > limit:
                refuse(samples, at, "burst_exceeded", 1 if wait is None else wait)
                samples["instance"][at] = 0
        return samples

    return change


def rate(limit: int = 60, width: float = 60.0, bent: Mapping[str, tuple[int, float]] | None = None) -> Change:
    """A rate limit with its headers; `bent`: header → (which call, what is added to it there)."""

    def change(samples: Samples) -> Samples:
        seen: Counter[tuple[int, int]] = Counter()
        for place, at in enumerate(np.argsort(samples["sent"], kind="stable")):
            now = ZERO + float(samples["sent"][at]) + HOP
            window = math.floor(now / width)
            end = (window + 1) * width
            key = (int(samples["account"][at]), window)
            if seen[key] >= limit:
                refuse(samples, at, "rate_limit_exceeded", max(1, math.ceil(end - now)))
            else:
                seen[key] += 1
            samples["limit"][at], samples["remaining"][at] = limit, limit - seen[key]
            samples["reset"][at] = math.ceil(end)
            for header, (which, by) in (bent or {}).items():
                if place == which:
                    samples[header][at] = np.nan_to_num(samples[header][at]) + by
        return samples

    return change
