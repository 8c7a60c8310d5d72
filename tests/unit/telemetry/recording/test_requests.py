"""Which samples are requests, as the ledger counts them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from telemetry.recording.requests import counted
from telemetry.recording.sample import SAMPLE, Flag, Outcome


def sample(done: float, **fields: Any) -> NDArray[np.void]:
    made = np.zeros(1, dtype=SAMPLE)
    made["done"], made["planned"], made["sent"] = done, done - 0.1, done - 0.09
    made["status"], made["upstream_s"] = 200, np.nan
    for name, value in fields.items():
        made[name] = value
    return made


def test_extra_calls_and_drops_are_no_requests() -> None:
    samples = np.concatenate([
        sample(0.1), sample(0.2, flags=Flag.EXTRA), sample(math.nan, outcome=Outcome.DROPPED, sent=math.nan)
    ])  # fmt: skip
    assert counted(samples).size == 1


def test_a_call_without_an_end_counts_when_it_was_sent() -> None:
    (kept,) = counted(sample(math.nan, planned=4.0, sent=4.5, outcome=Outcome.ABORTED))
    assert kept["done"] == 4.5
