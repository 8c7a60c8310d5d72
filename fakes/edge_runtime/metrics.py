"""What the layers and KV count: names and labels of docs/architecture.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fakes.http.metrics import Metrics

MODERN: Final = b"2026-07-28"
CPU_SECONDS: Final = (5e-5, 1e-4, 2e-4, 3e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2)


class LayerMetrics:
    """Looked up once; each attribute is called with label values and gives a child."""

    def __init__(self, metrics: Metrics) -> None:
        counter, histogram = metrics.counter, metrics.histogram
        self.hits = counter("mcpist_rate_limit_hits_total", "Refused by a limit.", "limit")
        self.refused = counter("mcpist_refused_total", "Answered by the edge itself.", "reason")
        self.kv_reads = counter("mcpist_kv_reads_total", "KV reads served.")
        self.kv_writes = counter("mcpist_kv_writes_total", "KV writes served.")
        self.kv_failures = counter("mcpist_kv_failures_total", "KV operations refused.", "op", "cause")
        self.jwks_fetches = counter("mcpist_jwks_fetches_total", "Fetches of the key set.", "cause")
        self.verify_cpu = histogram(
            "mcpist_jwt_verify_cpu_seconds", "CPU time of one token check.", CPU_SECONDS, "result"
        )
        self.worker_cpu = histogram("mcpist_worker_cpu_seconds", "CPU time of one request.", CPU_SECONDS)

        self._era_requests = counter("mcpist_era_requests_total", "Requests by era of MCP.", "era")
        self._era_bytes = counter("mcpist_era_request_bytes_total", "Their head lines and bodies.", "era")
        self._era_cpu = counter("mcpist_era_cpu_seconds_total", "CPU time of them.", "era")

    def era(self, headers: Mapping[bytes, bytes], cpu_seconds: float) -> None:
        """Count what one request cost under its era of MCP, as its version header tells it."""
        era = "modern" if headers.get(b"mcp-protocol-version") == MODERN else "legacy"
        lines = sum(len(name) + len(value) + 4 for name, value in headers.items())
        self._era_requests(era).inc()
        self._era_bytes(era).inc(lines + int(headers.get(b"content-length", 0)))
        self._era_cpu(era).inc(cpu_seconds)

    def kv(self, op: str, cause: str | None) -> None:
        """Count one KV operation: the `watch` of `fakes.edge_runtime.kv.Kv`."""
        if cause is not None:
            self.kv_failures(op, cause).inc()
        elif op == "get":
            self.kv_reads().inc()
        else:
            self.kv_writes().inc()
