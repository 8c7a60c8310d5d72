"""When each account was served again after an event, by its own calls.

An account is hit if a call of its failed that was planned at or after the event, or was not answered by then;
what counts as a failure the point says. It is served again with the first success among the calls that were
sent after its last failure: from then on none failed. Judged groups alone.
"""

from __future__ import annotations

import numpy as np

from telemetry.recording.sample import Outcome
from verdicts.run.reading import Floats, Mask, Run


def seconds(run: Run, event: float, failures: Mask) -> Floats:
    """From the event to the first success of each account that was hit; infinite where none came.

    `failures` are the calls that count as such.
    """
    failed, ok = _open_after(run, event) & failures, sent_after(run, event) & run.became(Outcome.OK)
    hit = _hit(run, failed)
    return np.array([_served(run, failed & own, ok & own) - event for own in _each(run, hit)], np.float64)


def at_least(run: Run, event: float, failures: Mask) -> float:
    """What the longest of `seconds` is at least: one never served again was not by its last failure."""
    failed = _open_after(run, event) & failures
    took = seconds(run, event, failures)
    last = [run.samples["sent"][failed & own].max() for own in _each(run, _hit(run, failed))]
    known = np.where(np.isinf(took), np.array(last, np.float64) - event, took)
    return float(known.max(initial=0.0))


def sent_after(run: Run, event: float) -> Mask:
    """The judged calls that were planned at or after the event."""
    after: Mask = run.sent & run.judged & (run.samples["planned"] >= event)
    return after


def _open_after(run: Run, event: float) -> Mask:
    """Those, and the judged calls that were in flight at the event."""
    in_flight: Mask = run.sent & run.judged & (run.samples["done"] >= event)
    either: Mask = sent_after(run, event) | in_flight
    return either


def _hit(run: Run, failed: Mask) -> np.ndarray:
    """The accounts of these calls."""
    return np.unique(run.samples["account"][failed])


def _each(run: Run, accounts: np.ndarray) -> list[np.ndarray]:
    return [run.samples["account"] == account for account in accounts]


def _served(run: Run, failed: np.ndarray, ok: np.ndarray) -> float:
    last = float(run.samples["sent"][failed].max())
    return float(run.samples["done"][ok & (run.samples["sent"] > last)].min(initial=np.inf))
