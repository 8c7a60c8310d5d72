"""The slowest calls one by one, each with its trace: of a run whose requests said which they were of."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from telemetry.recording.sample import SAMPLE
from telemetry.recording.trace_ids import arrival_trace
from verdicts.run.reading import Run

MOST: Final = 20


class SlowCall(NamedTuple):
    """A scheduled call that was answered; `planned` in seconds since start, `response` in seconds."""

    arrival: int
    account: str
    tool: str
    planned: float
    response: float
    status: int
    trace: str


def of(run: Run) -> tuple[SlowCall, ...]:
    """The slowest `MOST`, the slowest first; none of a run without traces."""
    if not run.manifest.traced:
        return ()
    answered, kept = run.sent & (run.samples["status"] != 0), np.empty(0, SAMPLE)
    for part, records in run.samples.pieces(answered):
        found = np.concatenate([kept, records[answered[part]]])
        kept = found[np.argsort(_response(found), kind="stable")[::-1][:MOST]].copy()
    return tuple(_call(run, one) for one in kept)


def _response(records: NDArray[np.void]) -> NDArray[np.float64]:
    taken: NDArray[np.float64] = records["done"] - records["planned"]
    return taken


def _call(run: Run, one: np.void) -> SlowCall:
    manifest, account, tool = run.manifest, int(one["account"]), int(one["tool"])
    return SlowCall(
        arrival=int(one["index"]),
        account=manifest.accounts[account].id if account < len(manifest.accounts) else str(account),
        tool=manifest.tools[tool] if tool < len(manifest.tools) else "",
        planned=float(one["planned"]),
        response=float(one["done"] - one["planned"]),
        status=int(one["status"]),
        trace=arrival_trace(manifest.trace, int(one["index"])),
    )
