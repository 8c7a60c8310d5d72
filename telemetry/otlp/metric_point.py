"""Points as OpenTelemetry's metrics: sums since the run's start, gauges, one histogram.

Names follow those of `telemetry.points.samples` by one rule, which is the one that collectors go back by:
`resilience_requests_response_seconds_total` is the monotonic sum `resilience.requests_response` in `s`. So
what a collector writes to Prometheus has the names that remote write gives. The target's own metrics keep
their names, whole; when their counters began is not known (`start` 0).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any, Final

from msgspec import Struct

from telemetry.points.point import DataPoint
from telemetry.points.samples import DURATION, Labels, Sample, samples
from telemetry.points.whole_run import BUCKETS

OURS: Final = "resilience_"
_COUNTED: Final = ("_total", "_sum", "_count", "_bucket")
_SECONDS: Final = "_seconds"
_BYTES: Final = "_bytes"  # stays in the name: beside it is one that counts calls
_NS: Final = 1_000_000  # of a millisecond


class MetricPoint(Struct, frozen=True, array_like=True):
    """One data point. Times are Unix nanoseconds; a histogram has the `counts` of its buckets, too.

    `attributes` are sorted, none empty. `monotonic`: a sum since `start`, otherwise a gauge; `value` of a
    histogram is the sum of all values.
    """

    name: str
    unit: str
    monotonic: bool
    attributes: Labels
    start: int
    t: int
    value: float
    counts: tuple[int, ...] = ()

    @property
    def series(self) -> tuple[str, Labels]:
        """What it is a point of."""
        return self.name, self.attributes


def metric_points(points: Iterable[DataPoint]) -> Iterator[MetricPoint]:
    """Every data point of these points, in their order."""
    for point in points:
        for sample in samples((point,)):
            labels = dict(sample.labels)
            if not (name := labels.pop("__name__")).startswith(DURATION):
                yield _number(name, tuple(labels.items()), sample, point)
        if point.measurement == "run_so_far":
            yield _histogram(point)


def _number(name: str, attributes: Labels, sample: Sample, point: DataPoint) -> MetricPoint:
    monotonic = name.endswith(_COUNTED)
    start = point.start_ns if monotonic and point.measurement != "target" else 0
    if not name.startswith(OURS):
        return MetricPoint(name, "", monotonic, attributes, start, sample.t * _NS, sample.value)
    base = name.removesuffix("_total")
    unit = "s" if base.endswith(_SECONDS) else "By" if base.endswith(_BYTES) else ""
    ours = f"resilience.{base.removeprefix(OURS).removesuffix(_SECONDS)}"
    return MetricPoint(ours, unit, monotonic, attributes, start, sample.t * _NS, sample.value)


def _histogram(point: DataPoint) -> MetricPoint:
    """Response times of the calls that succeeded; points tell how many were at most each bound."""
    figures: Any = point.fields
    at_most = [0, *(figures[f"le_{bound:g}"] for bound in BUCKETS), figures["count"]]
    return MetricPoint(
        "resilience.response_duration",
        "s",
        True,
        tuple(sorted((name, text) for name, text in point.tags.items() if text)),
        point.start_ns,
        point.time_ns // _NS * _NS,
        figures["sum_ms"] / 1000,
        tuple(more - fewer for fewer, more in pairwise(at_most)),
    )
