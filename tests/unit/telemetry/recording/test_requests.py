"""Which samples are requests, as the ledger counts them."""

from __future__ import annotations

import math

import numpy as np

from telemetry.recording.requests import counted
from telemetry.recording.sample import Flag, Outcome
from tests.support.samples import sample


def test_extra_calls_and_drops_are_no_requests() -> None:
    samples = np.concatenate([
        sample(0.1), sample(0.2, flags=Flag.EXTRA), sample(math.nan, outcome=Outcome.DROPPED, sent=math.nan)
    ])  # fmt: skip
    assert counted(samples).size == 1


def test_a_call_without_an_end_counts_when_it_was_sent() -> None:
    (kept,) = counted(sample(math.nan, planned=4.0, sent=4.5, outcome=Outcome.ABORTED))
    assert kept["done"] == 4.5
