"""Calls at a limiter that does exactly what a function says, as a run of a target of one's own."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from telemetry.recording.sample import REASON_CODE, SAMPLE, Outcome
from tests.support.synthetic_run import Samples, Spec, write
from verdicts.run.reading import Run, load

ZERO = 1764000000.0  # start_wall of synthetic runs
HOP = 0.002  # seconds on the way to the limiter, and back
STATUS = {"": 200, "quota_exceeded": 403, "timeout": 0, "rpc_error": 200}
Limits = Callable[[int, float], str]
"""(account, Unix seconds by our clock) → the reason of its refusal; "" where it lets the call pass."""


def run_of(
    folder: Path, calls: Iterable[tuple[int, float]], limiter: Limits, limits: dict[str, Any], **fields: Any
) -> Run:
    """A run with these calls: (account, when sent), in the order of time.

    `took`: seconds until an admitted call has its answer; `width`: of the windows that refusals wait for;
    `asked_before`: when the first account asked something before load.
    """
    took, width = fields.get("took", 2 * HOP), fields.get("width", 1.0)
    made = sorted(calls, key=lambda one: one[1])

    def change(samples: Samples) -> Samples:
        found = np.zeros(len(made), SAMPLE)
        found["limit"] = found["remaining"] = -1
        found["reset"] = found["upstream_s"] = found["retry_after"] = np.nan
        for index, (account, sent) in enumerate(made):
            now = ZERO + sent + HOP
            reason = limiter(account, now)
            one = found[index]
            one["index"], one["account"], one["planned"], one["sent"] = index, account, sent, sent
            one["done"], one["status"] = sent + (2 * HOP if reason else took), STATUS.get(reason, 429)
            one["outcome"] = Outcome.FAILED if reason else Outcome.OK
            one["reason"] = REASON_CODE[reason]
            one["retry_after"] = math.ceil(width - now % width) if reason else np.nan
        return found

    shown = {"tier": "unlimited", "group": "users", "user": fields.get("user", "")}
    accounts = [
        {"id": f"a{n}", "ip": f"198.51.100.{n}", **shown}
        for n in range(1 + max(account for account, _ in made))
    ]
    target = {"name": "mine", "path": "/v1/mcp", "client_ip_header": "X-IP", "limits": limits}
    spec = Spec(
        change=change, bundled=False, accounts=len(accounts), probes=False,
        duration=fields.get("duration", 1 + max(sent for _, sent in made)),
        manifest={
            "target": {**target, **fields.get("target", {})}, "accounts": accounts,
            "asked_before": fields.get("asked_before", []),
        },
        scenario_data={"points": fields.get("points", ["F1.1"]), "thresholds": {}},
    )  # fmt: skip
    return load(write(folder / "run", spec))


def every(gap: float, seconds: float, account: int = 0, start: float = 0.013) -> list[tuple[int, float]]:
    """Calls of an account, evenly."""
    return [(account, start + n * gap) for n in range(round(seconds / gap))]


def fixed(limit: int, width: float = 1.0, ahead: float = 0.0, reason: str = "burst_exceeded") -> Limits:
    """Fixed windows of a clock that is ahead."""
    seen: dict[tuple[int, int], int] = {}

    def decide(account: int, now: float) -> str:
        key = (account, int((now + ahead) // width))
        seen[key] = seen.get(key, 0) + 1
        return reason if seen[key] > limit else ""

    return decide


def bucket(rate: float, size: float, reason: str = "burst_exceeded", token: float = 0.0) -> Limits:
    """A bucket of `size` that gets `rate` a second; by whole tokens of `token` where that is given."""
    state: dict[int, tuple[float, float]] = {}

    def decide(account: int, now: float) -> str:
        level, then = state.get(account, (size, now))
        gained = (now - then) * rate
        if token:
            gained, now = gained // token * token, then + gained // token * token / rate
        level = min(size, level + gained)
        state[account] = (level - 1 if level >= 1 else level, now)
        return "" if level >= 1 else reason

    return decide
