"""Totals by series, `name{label="x"}` → number, and their Prometheus text."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

HELP: Final = {
    "mcpist_requests_total": "Requests answered.",
    "mcpist_request_duration_seconds": "Duration of requests.",
    "mcpist_in_flight": "Requests in flight now.",
    "mcpist_in_flight_peak": "Most in flight since reset.",
    "mcpist_rate_limit_hits_total": "Refused by a limit.",
    "mcpist_refused_total": "Answered by the edge itself.",
    "mcpist_forwarded_total": "Requests sent on to the balancer.",
    "mcpist_kv_reads_total": "KV reads served.",
    "mcpist_kv_writes_total": "KV writes served.",
    "mcpist_kv_failures_total": "KV operations refused.",
    "mcpist_kv_stored_writes": "KV writes by its store.",
    "mcpist_kv_stored_keys": "Keys in KV's store.",
    "mcpist_burst_entries": "Counts kept by isolates.",
    "mcpist_isolates": "Isolates that serve.",
    "mcpist_isolate_requests_total": "Requests of one of several.",
    "mcpist_jwks_fetches_total": "Fetches of the key set.",
    "mcpist_jwt_checks_total": "Full checks of a token, by result.",
    "mcpist_worker_request_cpu_seconds": "CPU time of the workerd processes since reset, over its requests.",
    "mcpist_worker_process_cpu_seconds_total": "CPU time of one workerd process since it began.",
    "mcpist_worker_process_resident_memory_bytes": "Memory of one workerd process.",
    "mcpist_companion_cpu_seconds_total": "CPU time of the process beside the Worker: KV, control, checks.",
    "mcpist_lb_state": "1 for the balancer's state.",
    "mcpist_lb_transitions_total": "Changes of the balancer's state.",
    "mcpist_lb_forwarded_total": "Requests sent to an origin.",
    "process_cpu_seconds_total": "CPU time of all workerd processes since they began.",
    "process_resident_memory_bytes": "Memory of all workerd processes.",
}
KINDS: Final = {
    "mcpist_request_duration_seconds": "histogram",
    "mcpist_worker_request_cpu_seconds": "summary",
}
_PARTS: Final = ("_bucket", "_sum", "_count")
Series = Mapping[str, float]


def added(many: Iterable[Series]) -> dict[str, float]:
    """The sum of each series."""
    total: dict[str, float] = defaultdict(float)
    for one in many:
        for name, value in one.items():
            total[name] += value
    return dict(total)


def text(series: Series) -> bytes:
    """The exposition, families together; a family without series shows its words alone."""
    families: dict[str, list[str]] = {name: [] for name in HELP}
    for name, value in series.items():
        families[family(name)].append(f"{name} {value:.17g}")
    lines: list[str] = []
    for name, members in families.items():
        lines += (f"# HELP {name} {HELP[name]}", f"# TYPE {name} {kind(name)}", *members)
    return "\n".join([*lines, ""]).encode()


def family(series: str) -> str:
    """The metric that a series belongs to."""
    name = series.partition("{")[0]
    if name in HELP:
        return name
    for part in _PARTS:
        if name.endswith(part):
            return name.removesuffix(part)
    return name


def kind(name: str) -> str:
    """The type of a metric."""
    return KINDS.get(name, "counter" if name.endswith("_total") else "gauge")
