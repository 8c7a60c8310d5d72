"""P3.4: what a token check costs the edge, by kind of token, and what valid users feel of a flood."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from telemetry.recording.sample import Outcome
from verdicts.measure.calls import percentiles
from verdicts.measure.limits import forged_tokens, quota
from verdicts.points.point import BEFORE_1000_MAU, Finding, Status, Value, point
from verdicts.run.reading import Run

LIMIT_MS = 10
WORKER_CPU = "mcpist_worker_request_cpu_seconds"


@point(
    "P3.4",
    en="How much edge CPU does an invalid JWT cost, against 10 ms?",
    ja="無効なJWT1件あたりのエッジのCPU時間はいくらか(上限10ms)",
    scenario="invalid-jwt",
    when=BEFORE_1000_MAU,
    part="edge",
    figures={"mean": "s", "success": "share"},
    units={
        "ms CPU a check ({})": "ms(検証1件のCPU、{})",
        "ms CPU a call (mean)": "ms(1呼び出しのCPU、平均)",
        "% of valid users' calls succeeded": "%(正規ユーザーの成功率)",
    },
)
def token_checks(run: Run) -> Iterator[Finding]:
    """CPU seconds a check, by result; the dearest mean is the answer. Then the valid users' service."""
    yield _cost(run)
    yield _valid_users(run)


def _cost(run: Run) -> Finding:
    rows = [row for row in (_row(run, result) for result in _results()) if row is not None]
    if not rows:
        return _worker_cost(run)
    dearest = max(rows, key=lambda row: float(row["CPU ms a check"] or 0))
    mean = float(dearest["CPU ms a check"] or 0)
    return Finding(
        round(mean, 4),
        f"ms CPU a check ({dearest['token']})",
        f"The dearest kind of token costs {mean:.3f} ms of the edge's CPU, {mean / LIMIT_MS:.1%} of the "
        f"Worker's {LIMIT_MS} ms, "
        + _where(run, f"on {run.manifest.machine.cpu} under Python: a real Worker differs"),
        figures={"mean": mean / 1000},
        rows=tuple(rows),
    )


def _worker_cost(run: Run) -> Finding:
    """A real Worker has no clock of its CPU: its process's is told, over all calls, good and bad."""
    edge = quota.source(run)
    count, seconds = (run.target.total(edge, f"{WORKER_CPU}_{part}") for part in ("count", "sum"))
    if np.isnan(count + seconds) or not count:
        return Finding.unseen(f"The target shows neither {forged_tokens.VERIFY} nor {WORKER_CPU}.")
    mean = seconds / count * 1000
    return Finding(
        round(mean, 4),
        "ms CPU a call (mean)",
        f"The Worker's processes used {seconds:.2f} s of CPU for {count:,.0f} calls of any token, {mean:.3f} "
        f"ms each, {mean / LIMIT_MS:.1%} of the Worker's {LIMIT_MS} ms, "
        + _where(
            run,
            f"on {run.manifest.machine.told}; workerd's own work is in it, so it is more than Cloudflare "
            "would count",
        ),
        figures={"mean": mean / 1000},
    )


def _where(run: Run, ours: str) -> str:
    """Whose CPU that is: `ours` of the bundled stack, which runs on this machine."""
    return f"{ours}." if run.manifest.bundled else "as the target tells it."


def _results() -> list[str]:
    return ["valid", *dict.fromkeys(forged_tokens.RESULTS.values())]


def _row(run: Run, result: str) -> dict[str, Value] | None:
    edge = quota.source(run)
    count = run.target.total(edge, f"{forged_tokens.VERIFY}_count", result=result)
    seconds = run.target.total(edge, f"{forged_tokens.VERIFY}_sum", result=result)
    if np.isnan(count + seconds) or not count:
        return None
    within = run.target.total(edge, f"{forged_tokens.VERIFY}_bucket", result=result, le="0.01")
    mean = seconds / count * 1000
    return {
        "token": result.replace("_", " "),
        "checks": int(count),
        "CPU ms a check": round(mean, 4),
        "over 10 ms": None if np.isnan(within) else int(count - within),
    }


def _valid_users(run: Run) -> Finding:
    ended = run.samples["outcome"] != Outcome.ABORTED  # what ended with the run is nobody's failure
    valid = run.sent & run.judged & ~forged_tokens.bad(run) & ended
    ok = run.samples["outcome"] == Outcome.OK
    rows = tuple(_service(run, name, valid & where, ok) for name, where in _phases(run))
    sent = int(valid.sum())
    if not sent:
        return Finding.unseen("No valid user called.", part="valid-users")
    share = int((valid & ok).sum()) / sent
    status: Status = "pass" if share == 1 else "fail"
    broke = "" if share == 1 else f"success is {share * 100:.6g} % (allowed >= 100 %)"
    told = "; ".join(f"{row['phase']}: p95 {row['p95 ms']} ms of {row['ok']} calls" for row in rows)
    return Finding(
        round(share * 100, 4), "% of valid users' calls succeeded", f"{told}.", {"success": share},
        "valid-users", status=status, rows=rows, broke=broke,
    )  # fmt: skip


def _phases(run: Run) -> Iterator[tuple[str, np.ndarray]]:
    planned = run.samples["planned"]
    phases = run.scenario.get("phases") or [{"name": "whole run", "start": 0.0, "end": float("inf")}]
    for phase in phases:
        yield phase["name"], (planned >= phase["start"]) & (planned < phase["end"])


def _service(run: Run, name: str, calls: np.ndarray, ok: np.ndarray) -> dict[str, Value]:
    found = percentiles.of(percentiles.response(run, calls & ok)).ms()
    return {"phase": name, "sent": int(calls.sum()), "ok": found["count"], "p95 ms": found["p95"]}
