"""Locust's own statistics, fed in bulk from samples: its charts and console show real numbers.

Response time counts from the planned instant. Names are `tool` per tool, with Locust's method column
as the group. Verdicts never read these figures: Locust rounds them.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.ma  # np.unique would import it at its first call: the loop would stand still for 10 to 100 ms
from numpy.typing import NDArray

from telemetry.recording.sample import REASONS, SAMPLE, Outcome


class StatsSink:
    """A sample sink that adds each chunk to `stats` (`locust.stats.RequestStats`)."""

    def __init__(self, stats: Any, tools: Sequence[str], groups: Sequence[str]) -> None:
        self._stats = stats
        self._tools = tools
        self._groups = groups

    def __call__(self, chunk: bytes) -> None:
        """Add whole records."""
        samples = np.frombuffer(chunk, SAMPLE)
        samples = samples[samples["outcome"] < Outcome.DROPPED]
        self._begin(samples)
        for group, tool in np.unique(samples[["group", "tool"]]).tolist():
            part = samples[(samples["group"] == group) & (samples["tool"] == tool)]
            self._add(self._groups[group], self._tools[tool], part)

    def _begin(self, samples: NDArray[np.void]) -> None:
        """Locust's rates count from the first call on, not from the preparations."""
        total = self._stats.total
        if len(samples) and not total.num_requests:
            total.start_time = time.time() - float(samples["done"].max() - samples["planned"].min())

    def _add(self, group: str, tool: str, samples: NDArray[np.void]) -> None:
        milliseconds = (samples["done"] - samples["planned"]) * 1000
        failed = samples[samples["outcome"] != Outcome.OK]
        now = int(time.time())
        for entry in (self._stats.get(tool, group), self._stats.total):
            _add_times(entry, milliseconds, int(samples["bytes"].sum()), now)
            entry.num_failures += len(failed)
            if len(failed):
                entry.num_fail_per_sec[now] += len(failed)
        for code, count in zip(*np.unique(failed["reason"], return_counts=True), strict=True):
            self._add_error(group, tool, REASONS[code] or "aborted", int(count))

    def _add_error(self, group: str, tool: str, reason: str, count: int) -> None:
        from locust.stats import StatsError

        key = StatsError.create_key(group, tool, reason)
        if key not in self._stats.errors:
            self._stats.errors[key] = StatsError(group, tool, reason)
        error = self._stats.errors[key]
        error.occurrences += count
        error.last_seen = time.time()
        error.first_seen = error.first_seen or error.last_seen


def _add_times(entry: Any, milliseconds: NDArray[np.float64], size: int, now: int) -> None:
    count = len(milliseconds)
    before = entry.last_request_timestamp
    if entry.use_response_times_cache and before and now > int(before):
        entry._cache_response_times(now - 1)  # what Locust's percentile charts are drawn from
    entry.num_requests += count
    entry.num_reqs_per_sec[now] += count
    entry.last_request_timestamp = time.time()
    entry.total_content_length += size
    entry.total_response_time += float(milliseconds.sum())
    low, high = float(milliseconds.min()), float(milliseconds.max())
    entry.min_response_time = low if entry.min_response_time is None else min(entry.min_response_time, low)
    entry.max_response_time = max(entry.max_response_time, high)
    buckets, counts = np.unique(rounded(milliseconds), return_counts=True)
    for bucket, number in zip(buckets.tolist(), counts.tolist(), strict=True):
        entry.response_times[bucket] += number


def rounded(milliseconds: NDArray[np.float64]) -> NDArray[np.int64]:
    """Two significant digits, as Locust keeps them."""
    step = np.where(milliseconds < 100, 1, np.where(milliseconds < 1000, 10, 100))
    step = np.where(milliseconds < 10_000, step, 1000)
    whole: NDArray[np.int64] = (np.round(milliseconds / step) * step).astype(np.int64)
    return whole
