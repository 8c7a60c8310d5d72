"""Points as samples of series, named by Prometheus's conventions (base units, `_total`, labels).

Counters are counts since the start, so what points say of single seconds is left to those that say it since
the start; percentiles are gauges with a `quantile`. The target's own metrics keep their names. Texts become
labels of a series `…_info` that is 1, or, for what happened at an instant, of its Unix time.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from msgspec import Struct

from telemetry.points.point import DataPoint, Field
from telemetry.points.target_points import HEALTH

Labels = tuple[tuple[str, str], ...]


class Sample(Struct, frozen=True, array_like=True):
    """One value of one series. `labels` are sorted, with `__name__`, none empty; `t` is Unix milliseconds."""

    labels: Labels
    value: float
    t: int


COUNTS: Final = frozenset(
    {"planned", "sent", "dropped", "late", "extra", "retries", "done", "ok", "failed", "aborted"}
)
LEDGER: Final[Mapping[str, str]] = {
    "in_flight": "resilience_in_flight",
    "peak_in_flight": "resilience_peak_in_flight",
    "cpu_s": "resilience_worker_cpu_seconds_total",
    "stall_s": "resilience_worker_longest_stall_seconds",
    **{name: f"resilience_arrivals_{name}_total" for name in COUNTS},
    **{
        f"sessions_{name}": f"resilience_sessions_{name}_total"
        for name in ("opened", "lost", "reopened", "closed")
    },
}
CALLS: Final = ("calls", "ok", "refusals", "errors", "aborted", "status_5xx")
DURATION: Final = "resilience_response_duration_seconds"  # a histogram
_PERCENTILE: Final = re.compile(r"(run_)?(service_|start_delay_|)(?:p(\d+)|(max))_ms")
_SUM: Final = re.compile(r"(\w+)_sum_ms")
_MS: Final = 1000.0
Named = Iterator[tuple[str, Mapping[str, str], float]]


def samples(points: Iterable[DataPoint]) -> Iterator[Sample]:
    """Every sample of these points, in their order."""
    for point in points:
        make = _KINDS.get(point.measurement)
        if make is not None:
            for name, more, value in make(point):
                if math.isfinite(value):
                    yield Sample(_labels(name, {**point.tags, **more}), value, point.time_ns // 1_000_000)


def _labels(name: str, tags: Mapping[str, str]) -> Labels:
    kept = {label: text for label, text in tags.items() if text}
    return tuple(sorted({**kept, "__name__": name}.items()))


def _numbers(fields: Mapping[str, Field]) -> Iterator[tuple[str, float]]:
    for name, value in fields.items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield name, float(value)


def _quantiles(point: DataPoint) -> Named:
    """`p95_ms` and its like: of the last second, or since the start (`run_`)."""
    for name, value in _numbers(point.fields):
        if found := _PERCENTILE.fullmatch(name):
            since, kind, percent, _ = found.groups()
            quantile = f"{int(percent) / 100:g}" if percent else "1"
            metric = f"resilience_{since or ''}{kind or 'response_'}seconds"
            yield metric, {"quantile": quantile}, value / _MS


def _arrivals(point: DataPoint) -> Named:
    yield from _quantiles(point)
    for name, value in _numbers(point.fields):
        if name in LEDGER:
            yield LEDGER[name], {}, value


def _addresses(point: DataPoint) -> Named:
    for name, value in _numbers(point.fields):
        yield f"resilience_address_{name}_total", {}, value


def _requests_so_far(point: DataPoint) -> Named:
    for name, value in _numbers(point.fields):
        if found := _SUM.fullmatch(name):
            yield f"resilience_requests_{found[1]}_seconds_total", {}, value / _MS
        else:
            yield (
                {"count": "resilience_requests_total"}.get(name, f"resilience_requests_{name}_total"),
                {},
                value,
            )


def _run_so_far(point: DataPoint) -> Named:
    figures = dict(_numbers(point.fields))
    for name in CALLS:
        yield (
            "resilience_calls_total" if name == "calls" else f"resilience_calls_{name}_total",
            {},
            figures[name],
        )
    for name, value in figures.items():
        if name.startswith("le_"):
            yield f"{DURATION}_bucket", {"le": name.removeprefix("le_")}, value
    yield f"{DURATION}_bucket", {"le": "+Inf"}, figures["count"]
    yield f"{DURATION}_count", {}, figures["count"]
    yield f"{DURATION}_sum", {}, figures["sum_ms"] / _MS


def _target(point: DataPoint) -> Named:
    ours = {"up": "resilience_target_up", HEALTH: "resilience_target_health_requests_total"}
    for name, value in _numbers(point.fields):
        yield ours.get(name, name), {}, value


def _event(point: DataPoint) -> Named:
    texts = {name: str(point.fields[name]) for name in ("title", "text", "verdict") if name in point.fields}
    number = str(
        point.time_ns % 1000
    )  # a series of its own: the stack tells its events late, and out of order
    yield "resilience_event_timestamp_seconds", {**texts, "event": number}, point.time_ns // 1_000_000 / _MS
    if "verdict" in texts:
        yield "resilience_verdict_info", texts, 1.0


def _answer(point: DataPoint) -> Named:
    texts = {name: text for name, text in point.fields.items() if isinstance(text, str)}
    yield "resilience_point_info", texts, 1.0
    value = point.fields["value"]
    if isinstance(value, int | float):
        yield "resilience_point_value", {"unit": texts.get("unit", "")}, float(value)


_KINDS: Final[Mapping[str, Callable[[DataPoint], Named]]] = {
    "arrivals": _arrivals,
    "addresses": _addresses,
    "requests": _quantiles,
    "requests_so_far": _requests_so_far,
    "run_so_far": _run_so_far,
    "target": _target,
    "faults": _event,
    "run": _event,
    "points": _answer,
}
