"""`python -m bench.arrivals [--seconds 60]`: what an independent server sees of 500 requests/s.

Prints, for the engine's run against the recorder with 3 s answers, the figures that the project
promises, each with its bound, and ends with 1 if one does not hold.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from bench.arrival_times import delays
from telemetry.recording.sample import Outcome
from tests.support.recorder.attack import Plan, Run, attack
from tests.support.recorder.handle import recorder
from tests.support.recorder.record import Recording

ACCOUNTS: Final = 100
EACH: Final = 5
ANSWER: Final = 3.0
Figure = tuple[str, str, str, bool]
"""(what, its value, its bound, whether it holds)"""


def figures(run: Run, seen: Recording, plan: Plan) -> Iterator[Figure]:
    """Every figure of one run."""
    calls, a = seen.only("tools/call"), run.arrivals
    at = np.sort(calls.rows["arrived"] - run.start)
    seconds = np.arange(1, int(plan.seconds) + 1)
    off = np.abs(np.searchsorted(at, seconds) - plan.per_second * seconds)
    near = float((off <= 25).mean())
    steady = calls.rows["in_flight"][calls.rows["arrived"] - run.start > ANSWER + 1]
    counts = np.bincount(calls.rows["token"], minlength=len(calls.tokens))
    dropped = run.planned["account"][run.planned["outcome"] == Outcome.DROPPED]
    names = [account["id"] for account in run.manifest["accounts"]]
    wished = dict.fromkeys(names, round(plan.rate * plan.seconds))
    for account in dropped.tolist():
        wished[names[account]] -= 1
    ledger = a["planned"] == a["sent"] + a["dropped"] + a["unknown"]
    delay = delays(calls.rows["arrived"], plan.per_second)
    whole = int(plan.per_second * plan.seconds)
    yield "planned", f"{a['planned']:,}", f"{whole:,}", a["planned"] == whole
    yield "dropped", f"{a['dropped']}", "<= 0.1 %", a["dropped"] <= 0.001 * whole
    yield "late (over 50 ms)", f"{a['late']}", "<= 1 %", a["late"] <= 0.01 * whole
    yield "ledger balances", str(ledger), "True", ledger
    total = a["sent"] + a["extra"]
    yield "server's count", f"{len(seen.rows):,}", f"sent + extra = {total:,}", len(seen.rows) == total
    yield "worst second, off by", f"{off.max():.0f}", "<= 50", bool(off.max() <= 50)
    yield "seconds off by <= 25", f"{near:.0%}", ">= 95 %", near >= 0.95
    flight = f"{steady.min()}–{steady.max()}"
    yield "in flight", flight, "1,400–1,700", bool(steady.min() >= 1400 and steady.max() <= 1700)
    yield (
        "tokens, addresses",
        f"{len(calls.tokens)}, {len(calls.ips)}",
        f"{plan.accounts} each",
        (len(calls.tokens) == len(calls.ips) == plan.accounts),
    )
    got = dict(zip(calls.tokens, counts.tolist(), strict=True))
    spread = f"{counts.min()}–{counts.max()}"
    yield "calls per account", spread, "equal but for dropped", got == wished
    own = a["start_delay_ms"]
    told = f"{own['p50']:.2f} / {own['p99']:.2f} / {own['max']:.1f}"
    yield "start delay ms, ledger", told, "p50 / p99 / max", True
    yield (
        "start delay ms, server",
        f"{delay.p50:.2f} / {delay.p99:.2f} / {delay.max:.1f}",
        "p50 / p99 / max",
        True,
    )
    cpu = run.ledger[-1]["cpu_s"] / a["sent"] * 1000
    yield "CPU s per 1,000", f"{cpu:.3f}", "of the loading process", True


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.arrivals", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    plan = Plan(ACCOUNTS, EACH, parser.parse_args().seconds)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, recorder(ANSWER) as server:
        with attack(plan, server.base_url, Path(folder), end_within=plan.seconds + 120) as running:
            run = running.wait()
        print(f"exit code {running.exit_code}, stop reason {run.verdicts['stop_reason']!r}")
        rows = list(figures(run, server.recording(), plan))
    for what, value, bound, holds in rows:
        print(f"{'ok  ' if holds else 'FAIL'} {what:24} {value:>20}   {bound}")
    return 0 if all(row[-1] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
