"""Run folders made of arithmetic instead of load: seeded, whole, and right by construction.

The model: arrivals by a schedule; a start delay of about a millisecond; a server that answers
after a service time drawn from a log-normal; refusals and errors drawn with stated chances. All
files of docs/architecture.md are written, and the target's counters are counted from the same calls.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios.load import load
from scenarios.overrides import Overrides
from telemetry.recording.sample import REASON_CODE, REASONS, SAMPLE, Flag, Outcome
from verdicts.measure.arrivals.schedule import planned_times

STATUS = {"": 200, "burst_exceeded": 429, "rate_limit_exceeded": 429, "timeout": 0, "db_error": 500}
STATUS |= {
    "refused": 429,
    "internal_error": 500,
    "breaker_open": 503,
    "origin_unavailable": 502,
    "db_pool_timeout": 503,
    "global_concurrency_exceeded": 503,
    "connect": 0,
    "reset": 0,
    "rpc_error": 200,
    "foreign_answer": 200,
    "wrong_answer": 200,
}
Samples = NDArray[np.void]
Change = Callable[[Samples], Samples]


@dataclass(frozen=True)
class Spec:
    """What to make up. `chances`: reason → share of calls; `change` bends the finished samples."""

    scenario: str = "burst"
    duration: float = 12.0
    seed: int = 1
    rate: float = 5.0
    accounts: int = 20
    workers: tuple[str, ...] = ("local",)
    service: float = 0.025  # seconds, median
    upstream: float = 0.02  # seconds, of the service time
    chances: dict[str, float] = field(default_factory=lambda: {"burst_exceeded": 0.004})
    extra: int = 0
    stop_reason: str = "completed"
    stopped_at: float | None = None
    bundled: bool = True
    killed: bool = False
    lost: tuple[str, ...] = ()
    probes: bool = True
    fault: tuple[float, float, str] | None = None  # from, to (s), reason of every call planned within
    change: Change | None = None
    faults_happen: bool = True  # those of the scenario
    manifest: dict[str, Any] = field(default_factory=dict)
    scenario_data: dict[str, Any] = field(default_factory=dict)


def write(folder: Path, spec: Spec | None = None) -> Path:
    """Write a run folder; gives it back."""
    spec = spec or Spec()
    folder.mkdir(parents=True, exist_ok=True)
    scenario = _scenario(spec)
    samples = _samples(spec, scenario)
    if spec.change is not None:
        samples = spec.change(samples)
    manifest = _manifest(spec, scenario, folder.name)
    _json(folder / "run.json", manifest)
    _loads(folder, spec, samples)
    if spec.probes:
        _jsonl(folder / "target.jsonl", _scrapes(spec, samples))
    _jsonl(folder / "events.jsonl", [*_events(spec), *_faults(spec, scenario)])
    if not spec.killed:
        _json(folder / "end.json", _end(spec))
        if spec.bundled:
            _json(folder / "consistency.json", books(samples, manifest))
    (folder / "run.log").write_text("made of arithmetic\n")
    return folder


def _scenario(spec: Spec) -> dict[str, Any]:
    return {**_read(spec.scenario, spec.duration, spec.rate, spec.accounts, spec.seed), **spec.scenario_data}


@cache
def _read(name: str, duration: float, rate: float, accounts: int, seed: int) -> dict[str, Any]:
    values = {"duration": duration, "rate": rate, "accounts": accounts, "seed": seed}
    return load(name, Overrides.read(values)).dump()


def _samples(spec: Spec, scenario: dict[str, Any]) -> Samples:
    random = np.random.default_rng(spec.seed)
    planned = planned_times(scenario)
    if spec.stopped_at is not None:
        planned = planned[planned <= spec.stopped_at]
    samples = np.zeros(len(planned) + spec.extra, SAMPLE)
    samples["limit"] = samples["remaining"] = -1
    samples["reset"] = samples["retry_after"] = np.nan
    calls = samples[spec.extra :]
    calls["index"] = np.arange(len(planned))
    calls["planned"] = planned
    calls["account"] = np.arange(len(planned)) % spec.accounts
    opening = samples[: spec.extra]
    opening["index"], opening["flags"] = -1, Flag.EXTRA
    opening["planned"] = np.linspace(-1.0, -0.2, spec.extra)
    samples["sent"] = samples["planned"] + random.exponential(0.0008, len(samples))
    service = spec.service * random.lognormal(0.0, 0.25, len(samples))
    samples["done"] = samples["sent"] + service
    samples["upstream_s"] = np.minimum(spec.upstream, service)
    samples["status"], samples["instance"], samples["bytes"] = 200, 1, 180
    _fail(spec, calls, random)
    return samples


def _fail(spec: Spec, calls: Samples, random: np.random.Generator) -> None:
    draw, floor = random.random(len(calls)), 0.0
    for reason, chance in spec.chances.items():
        fail(calls, (draw >= floor) & (draw < floor + chance), reason)
        floor += chance
    if spec.fault is not None:
        first, last, reason = spec.fault
        fail(calls, (calls["planned"] >= first) & (calls["planned"] < last), reason)


def fail(calls: Samples, which: NDArray[np.bool_], reason: str) -> None:
    """Turn calls into failures of a reason."""
    quick = np.full(len(calls), 0.035 if reason == "timeout" else 0.002)
    calls["done"][which] = (calls["sent"] + quick)[which]
    calls["outcome"][which], calls["reason"][which] = Outcome.FAILED, REASON_CODE[reason]
    calls["status"][which], calls["upstream_s"][which] = STATUS[reason], np.nan


def drop(calls: Samples, which: NDArray[np.bool_], reason: str = "too_late") -> None:
    """Turn calls into arrivals that were never sent."""
    calls["sent"][which], calls["status"][which] = np.nan, 0
    calls["outcome"][which], calls["reason"][which] = Outcome.DROPPED, REASON_CODE[reason]
    calls["upstream_s"][which] = np.nan


def _manifest(spec: Spec, scenario: dict[str, Any], run: str) -> dict[str, Any]:
    target: dict[str, Any] = {
        "name": "bundled" if spec.bundled else "mine",
        "base_url": "http://127.0.0.1:8080",
        "path": "/v1/mcp",
    }
    target |= {"limits": {"burst_per_s": 5, "ip_per_min": 1000, "rate_per_min": 60}}
    nano = {"memory_limit": 268435456, "cpu_share": 0.1, "cpu_per_request": 0.0001}
    return {
        "schema_version": 1, "run": run, "version": "0.1.0", "scenario": scenario, "target": target,
        "bundled": spec.bundled, "protections": ["ip-limit", "burst-limit", "rate-limit", "jwks-cache"],
        "preset": "today", "seed": spec.seed, "time_scale": scenario["time_scale"],
        "start_wall": 1764000000.0, "start_monotonic": 1000.0, "duration_s": spec.duration,
        "accounts": [
            {"id": f"account-{n}", "ip": f"198.51.100.{n % 250}", "tier": "unlimited", "group": "users"}
            for n in range(spec.accounts)
        ],
        "tools": ["fast.echo"], "groups": [group["name"] for group in scenario["groups"]],
        "reasons": list(REASONS), "instances": [""], "workers": len(spec.workers),
        "machine": {
            "cpu": "Example CPU", "cores": 2, "memory_bytes": 25769803776, "python": "3.11.7",
            "kernel": "6.1.0",
        },
        "stack": {"settings": {"nano": nano}, "processes": {"edge": 11}} if spec.bundled else None,
        **spec.manifest,
    }  # fmt: skip


def _loads(folder: Path, spec: Spec, samples: Samples) -> None:
    """The files of each worker: samples, instances, ledger."""
    for rank, worker in enumerate(spec.workers):
        mine = samples[samples["account"] % len(spec.workers) == rank]
        mine = mine[
            np.argsort(np.where(np.isnan(mine["sent"]), mine["planned"], mine["done"]), kind="stable")
        ]
        (folder / f"samples-{worker}.bin").write_bytes(mine.tobytes())
        (folder / f"instances-{worker}.jsonl").write_text('"origin-a-1"\n')
        _jsonl(folder / f"ledger-{worker}.jsonl", _ledger(spec, mine))


def _ledger(spec: Spec, mine: Samples) -> Iterable[dict[str, Any]]:
    ends = np.nan_to_num(mine["done"][mine["outcome"] != Outcome.DROPPED], nan=0.0)
    last = float(max(ends.max(initial=0.0), spec.stopped_at or spec.duration)) + 0.1
    for t in [*np.arange(1.0, last), last]:
        yield _line(mine, float(t))


def _line(mine: Samples, t: float) -> dict[str, Any]:
    scheduled = mine[mine["index"] >= 0]
    sent = scheduled[scheduled["sent"] <= t]
    done = sent[sent["done"] <= t]
    outcomes = np.bincount(done["outcome"], minlength=4)
    out = mine[mine["sent"] <= t]
    return {
        "t": round(t, 6), "planned": int((scheduled["planned"] <= t).sum()), "sent": len(sent),
        "dropped": int(((scheduled["outcome"] == Outcome.DROPPED) & (scheduled["planned"] <= t)).sum()),
        "done": len(done), "ok": int(outcomes[0]), "failed": int(outcomes[1]), "aborted": int(outcomes[2]),
        "in_flight": int((out["done"] > t).sum()), "extra": int((out["index"] < 0).sum()),
        "late": int((sent["sent"] - sent["planned"] > 0.05).sum()), "cpu_s": round(0.00012 * len(out), 6),
    }  # fmt: skip


def _scrapes(spec: Spec, samples: Samples) -> Iterable[dict[str, Any]]:
    out = samples[samples["outcome"] != Outcome.DROPPED]
    for t in [-1.5, *np.arange(0.0, spec.duration + 3)]:
        for source, values in _said(spec, out, float(t)).items():
            yield {
                "t": round(float(t) + 0.004, 6),
                "source": source,
                "up": True,
                "took_s": 0.003,
                "values": values,
            }


def _said(spec: Spec, out: Samples, t: float) -> dict[str, dict[str, float]]:
    reached = out[(out["sent"] <= t) & (out["reason"] != REASON_CODE["connect"])]
    ended = reached[reached["done"] <= t]
    refused = ended["reason"] == REASON_CODE["burst_exceeded"]
    at_origin = int((~refused).sum())
    in_flight = len(reached) - len(ended)
    calls = 'mcpist_requests_total{method="POST",path="/v1/mcp",status="%s"}'
    edge = {calls % status: float((reached["status"] == status).sum()) for status in np.unique(out["status"])}
    if not spec.bundled:
        process = {
            "process_resident_memory_bytes": 9e7 + t * 1e5,
            "process_cpu_seconds_total": 4e-4 * len(ended),
        }
        return {"target-0": {**edge, **process, "mcpist_in_flight": in_flight}}
    origin = {
        calls % 200: float(at_origin), "mcpist_in_flight": in_flight, "mcpist_in_flight_peak": in_flight + 2,
        "mcpist_memory_bytes": 41943040 + (20 + 2 * in_flight) * 18432,
        "mcpist_goroutines": 20 + 2 * in_flight,
        "mcpist_nano_cpu_seconds_total": 0.0001 * at_origin, "mcpist_nano_kills_total": 0,
    }  # fmt: skip
    shares = {"edge": 0.0007, "origin-a": 0.0008, "origin-b": 0.0, "upstream": 0.0003, "postgres": 0.0004}
    cpu, memory = "stack_process_cpu_seconds_total", "stack_process_resident_memory_bytes"
    stack = {f'{cpu}{{process="{name}"}}': 1.0 + share * len(ended) for name, share in shares.items()}
    stack |= {
        f'{memory}{{process="{name}"}}': 6e7 + 2e7 * share * len(ended) for name, share in shares.items()
    }
    idle = {key: 0.0 if key.startswith("mcpist_r") else value for key, value in origin.items()}
    idle |= {"mcpist_in_flight": 0, "mcpist_in_flight_peak": 0, "mcpist_memory_bytes": 42311680,
             "mcpist_goroutines": 20, "mcpist_nano_cpu_seconds_total": 0}  # fmt: skip
    return {"edge": edge, "origin-a": origin, "origin-b": idle, "stack": stack}


def _events(spec: Spec) -> Iterable[dict[str, Any]]:
    yield {"t": 0.0, "kind": "run", "name": "start", "detail": {}}
    if spec.fault is not None:
        first, last, reason = spec.fault
        yield {"t": first, "kind": "fault", "name": reason, "detail": {"state": "begins", "target": None}}
        yield {"t": last, "kind": "fault", "name": reason, "detail": {"state": "ends", "target": None}}
    if not spec.killed:
        yield {"t": spec.stopped_at or spec.duration, "kind": "run", "name": "end", "detail": {}}


def _faults(spec: Spec, scenario: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """The scenario's own faults, each as it was planned and with an effect."""
    for number, fault in enumerate(scenario["faults"] if spec.faults_happen else ()):
        about = {"number": number, "at": fault["at"], "target": fault.get("target")}
        end = spec.duration if fault.get("until") is None else fault["until"]
        for t, state in ((fault["at"], "begins"), (end, "ends")):
            detail = {"state": state, **about, "observed": 1}
            yield {"t": t, "kind": "fault", "name": fault["fault"], "detail": detail}


def _end(spec: Spec) -> dict[str, Any]:
    workers = [{"name": name, "lost": name in spec.lost, "clock_offset_s": 0.0} for name in spec.workers]
    telemetry = {"written": 0, "spooled": 0, "dropped": 0}
    end = (spec.stopped_at or spec.duration) + 0.5
    how = {"stop_reason": spec.stop_reason, "stopped_at": spec.stopped_at}
    return {"t_end": end, **how, "workers": workers, "telemetry": telemetry}


def books(samples: Samples, manifest: dict[str, Any]) -> dict[str, Any]:
    """What the database would say: every successful call of a tool charged once, nothing else."""
    charged = np.array(["." in label for label in manifest["tools"]])[samples["tool"]]
    ok = samples[(samples["outcome"] == Outcome.OK) & charged]
    users, counts = np.unique(ok["account"], return_counts=True)
    ids = [account["id"] for account in manifest["accounts"]]
    by_user = {ids[user]: [int(count), 0] for user, count in zip(users, counts, strict=True)}
    sums = dict.fromkeys(("consumed", "written", "transactions", "finished"), len(ok))
    zeros = dict.fromkeys(("failed", "unbalanced", "repeated", "negative", "uncharged", "unfinished"), 0)
    rest = {"accounts": len(by_user), "examples": {}, "by_user": by_user, "settled": True, "problems": []}
    return {**sums, **zeros, **rest}


def _json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False))


def _jsonl(path: Path, values: Iterable[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(value) + "\n" for value in values))
