"""`verdicts.json`: the run's numbers in the shape that docs and CI rely on. NaN is null there."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from common import stack_parts
from telemetry.run_folder.end import TelemetryCounts
from telemetry.run_folder.verdict_file import SCHEMA_VERSION
from verdicts.explain import headline
from verdicts.judge.judge import Judgement
from verdicts.measure.arrivals import connections, own_limits
from verdicts.measure.calls import failure_kinds, outcomes, percentiles, series
from verdicts.measure.target import fault_ledger
from verdicts.points.point import PointResult
from verdicts.run.facts import lost_workers, started, stop_reason
from verdicts.run.reading import Run


def build(judged: Judgement) -> dict[str, Any]:
    """The whole document as plain data."""
    run = judged.run
    found = outcomes.of(run, run.sent)
    plain: dict[str, Any] = _plain(
        {
            "schema_version": SCHEMA_VERSION,
            **_of_run(run),
            "arrivals": _arrivals(judged),
            "response_ms": percentiles.of(percentiles.response(run, run.ok)).ms(),
            "service_ms": percentiles.of(percentiles.service(run, run.ok)).ms(),
            "overhead_ms": percentiles.of(percentiles.overhead(run, run.ok)).ms(),
            "status": found.status,
            "errors": found.errors,
            "refusals": found.refusals,
            "failures": [kind.row() for kind in failure_kinds.of(run)],
            "own_limits": dict(own_limits.of(run)),
            "protocol": run.manifest.protocol,
            "sessions": dict(connections.sessions(run)),
            "addresses": dict(connections.addresses(run)),
            "faults": fault_ledger.of(run).counts(),
            "peak_in_flight": series.peak_in_flight(run),
            "points": [_point(result) for result in judged.points],
            "unseen_bounds": list(judged.unseen),
            "invalid_because": list(judged.validity.reasons),
            "starved": judged.validity.starved,
            "broke_first": headline.broke_first(judged),
            "verdict": judged.verdict,
        }
    )
    return plain


def _clocks_ms(run: Run) -> dict[str, float]:
    """The largest of the workers: how far a clock was off the master's, or how well that is known."""
    workers = run.end.workers if run.end else ()
    offset = max((abs(worker.clock_offset_s) for worker in workers), default=0.0)
    error = max((abs(worker.clock_error_s) for worker in workers), default=0.0)
    return {"offset": round(offset * 1000, 3), "error": round(error * 1000, 3)}


def telemetry(run: Run) -> dict[str, int]:
    """What became of the points sent to databases; zeros where the run did not get to tell."""
    counts = run.end.telemetry if run.end else TelemetryCounts()
    return msgspec.structs.asdict(counts)


def _of_run(run: Run) -> dict[str, Any]:
    manifest = run.manifest
    return {
        "scenario": run.scenario["name"],
        "run": manifest.run,
        "started": started(run).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "duration_s": round(run.load_end, 3),
        "target": manifest.target_name,
        "subject": run.subject,
        "stack": stack_parts.told(manifest.settings("parts")),
        "protections": list(manifest.protections),
        "preset": manifest.preset,
        "version": manifest.version,
        "seed": manifest.seed,
        "machine": msgspec.to_builtins(manifest.machine),
        "stop_reason": stop_reason(run),
        "time_scale": manifest.time_scale,
        "workers": len(run.workers),
        "workers_lost": lost_workers(run),
        "clocks_ms": _clocks_ms(run),
        "telemetry": telemetry(run),
    }


def _arrivals(judged: Judgement) -> dict[str, Any]:
    total, delay = judged.ledger.total, judged.ledger.start_delay.ms()
    keys = ("planned", "sent", "late", "dropped", "unknown", "extra", "retries", "ok", "failed", "aborted")
    return {
        **{key: getattr(total, key) for key in keys},
        "start_delay_ms": {key: delay[key] for key in ("p50", "p99", "max")},
    }


def _point(result: PointResult) -> dict[str, Any]:
    keys = ("value", "unit", "basis", "subject", "threshold", "status", "evidence")
    figures = {"figures": dict(result.figures)} if result.figures else {}
    rows = {"rows": [dict(row) for row in result.rows]} if result.rows else {}
    return {
        "id": result.id,
        "question": result.question.en,
        **{key: getattr(result, key) for key in keys},
        **figures,
        **rows,
    }


def _plain(value: Any) -> Any:
    """`value` with every number that JSON has no word for as None."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
