"""The edge's metrics beside the common ones: names and labels of docs/architecture.md."""

from __future__ import annotations

from typing import Final

from fakes.edge.balancer_state import TABLE
from fakes.http.metrics import Metrics
from fakes.state_machine import states

CPU: Final = (5e-5, 1e-4, 2e-4, 3e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2)  # CPU seconds


class EdgeMetrics:
    """Looked up once; each attribute is called with label values and gives a child."""

    def __init__(self, metrics: Metrics) -> None:
        counter, histogram = metrics.counter, metrics.histogram
        self.hits = counter("mcpist_rate_limit_hits_total", "Refused by a limit.", "limit")
        self.refused = counter("mcpist_refused_total", "Answered by the edge itself.", "reason")
        self.forwarded = counter("mcpist_forwarded_total", "Requests sent on to the balancer.")
        self.kv_reads = counter("mcpist_kv_reads_total", "KV reads served.")
        self.kv_writes = counter("mcpist_kv_writes_total", "KV writes served.")
        self.kv_failures = counter("mcpist_kv_failures_total", "KV operations refused.", "op", "cause")
        self._isolates = counter("mcpist_isolate_requests_total", "Requests of one of several.", "isolate")
        self.jwks_fetches = counter("mcpist_jwks_fetches_total", "Fetches of the key set.", "cause")
        self.verify_cpu = histogram(
            "mcpist_jwt_verify_cpu_seconds", "CPU time of one token check.", CPU, "result"
        )
        self.worker_cpu = histogram("mcpist_worker_cpu_seconds", "CPU time of one request.", CPU)
        self.lb_state = metrics.gauge("mcpist_lb_state", "1 for the balancer's state.", "state")
        self.lb_transitions = counter(
            "mcpist_lb_transitions_total", "Changes of the balancer's state.", "from", "to"
        )
        self.lb_forwarded = counter("mcpist_lb_forwarded_total", "Requests sent to an origin.", "origin")
        for state in states(TABLE):
            self.lb_state(state).set(state == "primary")

    def kv(self, op: str, cause: str | None) -> None:
        """Count one KV operation: the `watch` of `fakes.edge.kv.Kv`."""
        if cause is not None:
            self.kv_failures(op, cause).inc()
        elif op == "get":
            self.kv_reads().inc()
        else:
            self.kv_writes().inc()

    def served(self, place: int) -> None:
        """Count a request that went to one of several isolates."""
        self._isolates(str(place)).inc()

    def lb_changed(self, before: str, after: str) -> None:
        """Count one change of the balancer's state."""
        self.lb_transitions(before, after).inc()
        self.lb_state(before).set(0)
        self.lb_state(after).set(1)
