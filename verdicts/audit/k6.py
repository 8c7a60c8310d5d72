"""k6: the summary of `--summary-export` or of `handleSummary`, and the lines of `--out json`.

None of them holds the scenarios' settings. A rate of k6 is of iterations; each may send several requests.
Iterations that a full pool of VUs could not start are `dropped_iterations`; a counter that counted nothing is
left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

import msgspec
import numpy as np

from verdicts.audit.other_run import OtherRun

CLOSED: Final = "a full pool of VUs (maxVUs) starts nothing, and an executor of VUs waits for each answer"


class MetricValues(msgspec.Struct):
    """Of a counter `count`, of a rate `value` or `rate`; what a metric is not is left out."""

    count: float | None = None
    value: float | None = None
    rate: float | None = None


class SummaryMetric(MetricValues):
    """`handleSummary` puts the figures under `values`, `--summary-export` puts them here."""

    values: MetricValues | None = None

    @property
    def figures(self) -> MetricValues:
        """Wherever they stand."""
        return self.values or self


class K6Summary(msgspec.Struct):
    """The whole file."""

    metrics: dict[str, SummaryMetric]


def summary(found: Any) -> OtherRun:
    """Of the parsed file. Raises msgspec.ValidationError."""
    metrics = msgspec.convert(found, K6Summary).metrics
    sent, failed = _count(metrics, "http_reqs"), metrics.get("http_req_failed", SummaryMetric()).figures
    share = failed.rate if failed.value is None else failed.value
    return OtherRun(
        "k6's summary",
        sent,
        unproved=round(sent * (share or 0.0)),
        started=_count(metrics, "iterations"),
        dropped=_count(metrics, "dropped_iterations"),
        closed=CLOSED,
    )


def _count(metrics: dict[str, SummaryMetric], name: str) -> int:
    return round(metrics.get(name, SummaryMetric()).figures.count or 0)


class PointData(msgspec.Struct):
    """One sample; `time` is its end."""

    time: datetime | None = None
    value: float = 0.0
    tags: dict[str, str] | None = None


class K6Line(msgspec.Struct):
    """`type` is Metric (what there will be) or Point (a sample)."""

    type: str
    metric: str
    data: PointData


def points(lines: Iterable[bytes]) -> OtherRun:
    """Of `--out json`. Raises msgspec.MsgspecError at a line that is none of k6's."""
    decoder, counts, starts = msgspec.json.Decoder(K6Line), Counter[str](), []
    for line in map(decoder.decode, lines):
        if line.type != "Point":
            continue
        counts[line.metric] += round(line.data.value) if line.metric != "iteration_duration" else 1
        if line.metric == "http_reqs" and (line.data.tags or {}).get("status") == "0":
            counts["unanswered"] += 1
        if line.metric == "iteration_duration" and line.data.time is not None:
            starts.append(line.data.time.timestamp() - line.data.value / 1000)
    ascending = np.sort(np.asarray(starts, np.float64))
    return OtherRun(
        "k6's --out json",
        counts["http_reqs"],
        unproved=counts["unanswered"],
        started=counts["iterations"],
        dropped=counts["dropped_iterations"],
        length_s=float(np.ptp(ascending)) if len(ascending) else None,
        starts=ascending,
        closed=CLOSED,
    )
