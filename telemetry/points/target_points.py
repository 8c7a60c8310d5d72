"""What the probes read of the target, as `target` points: one a scrape, source and set of labels.

A target's own labels may be unbounded (a path, a user), so only the labels named here become tags, what
they do not tell apart is added up, and beyond `MOST` values a label says "other".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final

from telemetry.points.point import DataPoint, RunPoints
from telemetry.probing.target_log import parse_labels
from telemetry.run_folder.lines import Scrape

MOST: Final = 50
OTHER: Final = "other"
# metric → the labels that are kept
METRICS: Final[Mapping[str, tuple[str, ...]]] = {
    "mcpist_requests_total": ("status",),
    "mcpist_request_duration_seconds_sum": (),
    "mcpist_request_duration_seconds_count": (),
    "mcpist_in_flight": (),
    "mcpist_in_flight_peak": (),
    "process_cpu_seconds_total": (),
    "process_resident_memory_bytes": (),
    "mcpist_rate_limit_hits_total": ("limit",),
    "mcpist_refused_total": ("reason",),
    "mcpist_forwarded_total": (),
    "mcpist_kv_reads_total": (),
    "mcpist_kv_writes_total": (),
    "mcpist_kv_failures_total": ("op", "cause"),
    "mcpist_jwks_fetches_total": ("cause",),
    "mcpist_jwks_requests_total": (),
    "mcpist_jwt_verify_cpu_seconds_sum": ("result",),
    "mcpist_jwt_verify_cpu_seconds_count": ("result",),
    "mcpist_lb_state": ("state",),
    "mcpist_lb_transitions_total": ("from", "to"),
    "mcpist_lb_forwarded_total": ("origin",),
    "mcpist_isolates": (),
    "mcpist_memory_bytes": (),
    "mcpist_goroutines": (),
    "mcpist_nano_cpu_seconds_total": (),
    "mcpist_nano_cpu_queue_seconds": (),
    "mcpist_queue_seconds": (),
    "mcpist_nano_kills_total": ("limit",),
    "mcpist_nano_state": ("state",),
    "mcpist_db_query_duration_seconds_sum": (),
    "mcpist_db_query_duration_seconds_count": (),
    "mcpist_db_connections": ("state",),
    "mcpist_db_errors_total": ("code",),
    "mcpist_credits_consumed_total": (),
    "mcpist_breaker_state": ("upstream", "state"),
    "mcpist_upstream_calls_total": ("upstream", "outcome"),
    "mcpist_rate_limit_sync_total": (),
    "mcpist_upstream_requests_total": ("upstream", "tool", "status"),
    "mcpist_upstream_in_flight": ("upstream",),
    "mcpist_upstream_in_flight_peak": ("upstream",),
    "stack_process_cpu_seconds_total": ("process",),
    "stack_process_resident_memory_bytes": ("process",),
    "stack_db_connections": ("state",),
    "stack_credit_transactions": (),
    "stack_credits_consumed": (),
}
HEALTH: Final = "health_requests_total"  # requests_total whose path is /health, by status

Labels = tuple[tuple[str, str], ...]


class TargetPoints:
    """Scrapes to points; remembers the values that each label had."""

    def __init__(self, points: RunPoints) -> None:
        self._points = points
        self._seen: dict[str, set[str]] = {}

    def of(self, scrape: Scrape) -> Iterator[DataPoint]:
        """The points of one line of `target.jsonl`."""
        source, t = scrape.source, scrape.t
        fields: dict[Labels, dict[str, float]] = {(): {"up": int(scrape.up)}}
        for series, value in scrape.values.items():
            self._put(fields, series, value)
        for labels, values in fields.items():
            yield self._points.make("target", {"source": source, **dict(labels)}, values, t)

    def _put(self, fields: dict[Labels, dict[str, float]], series: str, value: float) -> None:
        name, found = _known(series)
        if name:
            labels = tuple((label, self._bounded(label, text)) for label, text in found)
            values = fields.setdefault(labels, {})
            values[name] = values.get(name, 0.0) + value

    def _bounded(self, label: str, value: str) -> str:
        seen = self._seen.setdefault(label, set())
        if value in seen or len(seen) < MOST:
            seen.add(value)
            return value
        return OTHER


@lru_cache(maxsize=8192)
def _known(series: str) -> tuple[str, Labels]:
    """Our name of a series and its labels that are kept; "" for one that is not known."""
    name = series.partition("{")[0]
    kept = METRICS.get(name)
    if kept is None:
        return "", ()
    found = parse_labels(series)
    ours = HEALTH if found.get("path") == "/health" else name
    return ours, tuple((label, found[label]) for label in kept if label in found)
