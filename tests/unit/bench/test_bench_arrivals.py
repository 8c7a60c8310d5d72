"""The figures of `bench.arrivals`, of a run and a recording made by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bench.arrivals import figures
from telemetry.recording.sample import SAMPLE, Outcome
from tests.support.recorder.attack import Plan, Run
from tests.support.recorder.record import ROW, Recording

PLAN = Plan(accounts=2, rate=1.0, seconds=6)
START = 1000.0
CALLS = 12
LOST = 5  # the one arrival that was dropped; the second account's
ARRIVALS = {"planned": CALLS, "sent": CALLS - 1, "dropped": 1, "unknown": 0, "late": 0, "extra": 0}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    accounts = [{"id": name} for name in ("ana", "bo")]
    manifest = {"start_monotonic": START, "accounts": accounts}
    (tmp_path / "run.json").write_text(json.dumps(manifest))
    delay = {"p50": 0.1, "p99": 0.2, "max": 0.3}
    (tmp_path / "verdicts.json").write_text(json.dumps({"arrivals": {**ARRIVALS, "start_delay_ms": delay}}))
    (tmp_path / "ledger-local.jsonl").write_text('{"t": 6.0, "cpu_s": 0.0011}\n')
    samples = np.zeros(CALLS, SAMPLE)
    samples["account"] = np.arange(CALLS) % 2
    samples["outcome"][LOST] = Outcome.DROPPED
    (tmp_path / "samples-local.bin").write_bytes(samples.tobytes())
    return Run(tmp_path)


def recording() -> Recording:
    rows = np.zeros(CALLS, ROW)
    rows["arrived"] = START + np.arange(CALLS) / 2
    rows["token"] = rows["ip"] = np.arange(CALLS) % 2
    rows["in_flight"] = 1500
    return Recording(np.delete(rows, LOST), ["ana", "bo"], ["10.0.0.1", "10.0.0.2"], ["tools/call"])


def holds(run: Run, seen: Recording) -> dict[str, bool]:
    return {what: bool(good) for what, _, _, good in figures(run, seen, PLAN)}


def test_every_figure_is_held_against_its_bound(run: Run) -> None:
    found = holds(run, recording())
    assert {what for what, good in found.items() if not good} == {"dropped"}  # 1 of 12 is more than 0.1 %
    assert ("CPU s per 1,000", "0.100") in {row[:2] for row in figures(run, recording(), PLAN)}


def test_an_account_that_sent_anothers_calls_is_found_out(run: Run) -> None:
    seen = recording()
    seen.rows["token"][0] = 1
    assert not holds(run, seen)["calls per account"]
