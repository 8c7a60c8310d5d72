"""A run folder as the engine writes it, made up: time runs as fast as the writer is told to go.

Each worker's samples of a second come before the ledger line that vouches for them.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from telemetry.recording.sample import REASON_CODE, REASONS, SAMPLE, Flag, Outcome

TOOLS: Final = ["fast.echo", "notion.get_page"]
SERIES: Final = {
    "edge": {
        'mcpist_requests_total{method="POST",path="/v1/mcp",status="200"}': 450.0,
        "process_cpu_seconds_total": 0.31,
        "mcpist_kv_writes_total": 400.0,
        "mcpist_kv_reads_total": 500.0,
        'mcpist_kv_failures_total{cause="quota",op="write"}': 3.0,
        'mcpist_jwks_fetches_total{cause="ttl"}': 0.1,
        'mcpist_rate_limit_hits_total{limit="burst-limit"}': 40.0,
        'mcpist_refused_total{reason="burst_exceeded"}': 40.0,
        'mcpist_lb_forwarded_total{origin="origin-a"}': 450.0,
        'mcpist_jwt_verify_cpu_seconds_sum{result="ok"}': 0.01,
        'mcpist_jwt_verify_cpu_seconds_count{result="ok"}': 50.0,
    },
    "origin-a": {
        'mcpist_requests_total{method="POST",path="/v1/mcp",status="200"}': 450.0,
        'mcpist_requests_total{method="GET",path="/health",status="200"}': 0.1,
        'mcpist_requests_total{method="GET",path="/health",status="503"}': 0.03,
        "process_cpu_seconds_total": 0.4,
        "mcpist_nano_cpu_seconds_total": 0.09,
        "mcpist_credits_consumed_total": 450.0,
        'mcpist_upstream_calls_total{outcome="ok",upstream="notion"}': 225.0,
        "mcpist_db_query_duration_seconds_sum": 0.9,
        "mcpist_db_query_duration_seconds_count": 450.0,
        'mcpist_db_errors_total{code="53300"}': 0.5,
        'mcpist_rate_limit_hits_total{limit="rate-limit"}': 1.0,
    },
    "upstream": {'mcpist_upstream_requests_total{status="200",tool="get_page",upstream="notion"}': 225.0},
    "supabase": {"mcpist_jwks_requests_total": 0.1},
    "stack": {
        'stack_process_cpu_seconds_total{process="origin-a"}': 0.4,
        'stack_process_cpu_seconds_total{process="postgres"}': 0.3,
        "stack_credit_transactions": 450.0,
    },
}
GAUGES: Final = {
    "edge": {
        'mcpist_lb_state{state="primary"}': 1.0,
        'mcpist_lb_state{state="split"}': 0.0,
        "mcpist_isolates": 1.0,
    },
    "origin-a": {
        "mcpist_memory_bytes": 98e6,
        "mcpist_goroutines": 1250.0,
        "mcpist_in_flight": 610.0,
        "mcpist_nano_cpu_queue_seconds": 0.2,
        'mcpist_nano_state{state="up"}': 1.0,
        'mcpist_db_connections{state="used"}': 12.0,
        'mcpist_db_connections{state="idle"}': 3.0,
        'mcpist_db_connections{state="waiting"}': 0.0,
        'mcpist_breaker_state{state="closed",upstream="notion"}': 1.0,
        'mcpist_breaker_state{state="open",upstream="notion"}': 0.0,
        "process_resident_memory_bytes": 80e6,
    },
    "upstream": {'mcpist_upstream_in_flight{upstream="notion"}': 560.0},
    "stack": {
        'stack_db_connections{state="active"}': 14.0,
        'stack_process_resident_memory_bytes{process="origin-a"}': 80e6,
    },
}


class RunWriter:
    """Writes a run of `workers` × `rate` requests a second; 1 % fail, 1 % are extra, 0.2 % are dropped."""

    def __init__(self, run_dir: Path, *, workers: int = 2, rate: int = 250, scenario: str = "burst") -> None:
        self.run_dir = run_dir
        self.workers = [f"worker-{n}" for n in range(workers)]
        self.sent = self.extra = self.dropped = 0
        self.ok: list[NDArray[np.float64]] = []
        self._rate = rate
        self._random = np.random.default_rng(7)
        self._ledgers = {
            worker: dict.fromkeys(("planned", "sent", "dropped", "extra"), 0) for worker in self.workers
        }
        run_dir.mkdir(parents=True)
        self._manifest(scenario)

    def _manifest(self, scenario: str) -> None:
        manifest = {
            "schema_version": 1, "run": self.run_dir.name, "scenario": {"name": scenario},
            "target": {"name": "bundled"}, "protections": ["ip-limit"], "preset": "today",
            "start_wall": time.time(), "start_monotonic": time.monotonic(), "tools": TOOLS,
            "reasons": list(REASONS), "duration_s": 60.0, "machine": {"cores": 2}, "version": "0",
            "bundled": True, "seed": 7, "groups": ["users"],
        }  # fmt: skip
        (self.run_dir / "run.json").write_text(json.dumps(manifest))

    def second(self, second: int) -> None:
        """Write what all workers say of [second, second + 1)."""
        for worker in self.workers:
            samples = self._samples(second)
            with (self.run_dir / f"samples-{worker}.bin").open("ab") as file:
                file.write(samples.tobytes())
            self._ledger(worker, second + 1.003)
        self._target(second + 0.7)

    def event(self, t: float, kind: str, name: str, **detail: Any) -> None:
        """Write an event."""
        with (self.run_dir / "events.jsonl").open("a") as file:
            file.write(json.dumps({"t": t, "kind": kind, "name": name, "detail": detail}) + "\n")

    def _samples(self, second: int) -> NDArray[np.void]:
        n = self._rate
        samples = np.zeros(n, dtype=SAMPLE)
        took = self._random.lognormal(-2.0, 0.8, n)
        samples["done"] = second + np.sort(self._random.random(n))
        samples["planned"] = samples["done"] - took
        samples["sent"] = samples["planned"] + self._random.random(n) * 0.004
        samples["tool"] = self._random.integers(0, 2, n)
        samples["status"] = 200
        samples["bytes"] = 180
        samples["upstream_s"] = np.where(samples["tool"] == 1, took * 0.9, np.nan)
        self._spoil(samples)
        self._count(samples, took)
        return samples

    def _spoil(self, samples: NDArray[np.void]) -> None:
        draw = self._random.random(samples.size)
        failed, extra, dropped = draw < 0.01, (draw >= 0.01) & (draw < 0.02), (draw >= 0.02) & (draw < 0.022)
        samples["outcome"][failed] = Outcome.FAILED
        samples["status"][failed] = 429
        samples["reason"][failed] = REASON_CODE["burst_exceeded"]
        samples["status"][draw < 0.002] = 500
        samples["reason"][draw < 0.002] = REASON_CODE["db_error"]
        samples["flags"][extra] = Flag.EXTRA
        samples["outcome"][dropped] = Outcome.DROPPED
        samples["status"][dropped] = 0
        for name in ("sent", "done"):
            samples[name][dropped] = np.nan

    def _count(self, samples: NDArray[np.void], took: NDArray[np.float64]) -> None:
        extra = samples["flags"] == Flag.EXTRA
        dropped = samples["outcome"] == Outcome.DROPPED
        self.extra += int(extra.sum())
        self.dropped += int(dropped.sum())
        self.sent += int((~extra & ~dropped).sum())
        self.ok.append(took[~extra & (samples["outcome"] == Outcome.OK)])
        self._last = {
            "sent": int((~extra & ~dropped).sum()),
            "dropped": int(dropped.sum()),
            "extra": int(extra.sum()),
        }

    def _ledger(self, worker: str, t: float) -> None:
        counts = self._ledgers[worker]
        for name, value in self._last.items():
            counts[name] += value
        counts["planned"] += self._last["sent"] + self._last["dropped"]
        line = {"t": t, **counts, "done": counts["sent"], "late": 0, "in_flight": 17, "cpu_s": 0.01 * t}
        with (self.run_dir / f"ledger-{worker}.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")

    def _target(self, t: float) -> None:
        with (self.run_dir / "target.jsonl").open("a") as file:
            for source in SERIES:
                values = {key: value * (t + 1) for key, value in SERIES[source].items()} | GAUGES.get(
                    source, {}
                )
                file.write(json.dumps({"t": t, "source": source, "up": True, "values": values}) + "\n")

    def percentile(self, p: float) -> float:
        """Of all successful response times so far, ms."""
        return float(np.percentile(np.concatenate(self.ok), p) * 1000)
