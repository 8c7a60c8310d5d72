"""When each account was served again after an event, by its own calls.

An account is hit if a call of its that was planned at or after the event failed. It is served again with
the first call that succeeds among those sent after its first failure. Judged groups alone.
"""

from __future__ import annotations

import numpy as np

from telemetry.recording.sample import Outcome
from verdicts.run.reading import Floats, Run


def seconds(run: Run, event: float) -> Floats:
    """From the event to the first success of each account that was hit; infinite where none came."""
    samples = run.samples
    after = run.sent & run.judged & (samples["planned"] >= event)
    failed, ok = (after & run.became(outcome) for outcome in (Outcome.FAILED, Outcome.OK))
    hit = np.unique(samples["account"][failed])
    return np.array([_served(run, failed & own, ok & own) - event for own in _each(run, hit)], np.float64)


def _each(run: Run, accounts: np.ndarray) -> list[np.ndarray]:
    return [run.samples["account"] == account for account in accounts]


def _served(run: Run, failed: np.ndarray, ok: np.ndarray) -> float:
    first = float(run.samples["sent"][failed].min())
    return float(run.samples["done"][ok & (run.samples["sent"] > first)].min(initial=np.inf))
