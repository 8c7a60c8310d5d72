"""The target's own count of our calls against the ledger: count = sent + extra.

A call that ended without an answer may or may not have reached the target, so the count must lie
between the calls that were answered and all that went out; when every call was answered that is exact.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from verdicts.measure.arrivals.ledger import ArrivalLedger
from verdicts.run.reading import Run

COUNTER: Final = "mcpist_requests_total"


class Count(NamedTuple):
    """What one source counted, beside what it may have counted."""

    source: str
    counted: int
    answered: int
    out: int

    @property
    def agrees(self) -> bool:
        """The count is possible."""
        return self.answered <= self.counted <= self.out


def of(run: Run, ledger: ArrivalLedger) -> Count | None:
    """The count at the target's front door; None where it does not count our path."""
    path = run.manifest.path
    source = "edge" if "edge" in run.target.sources else "target-0"
    counted = run.target.total(source, COUNTER, method="POST", path=path)
    if np.isnan(counted):
        return None
    answered = int((run.out & (run.samples["status"] > 0)).sum())
    return Count(source, round(counted), answered, ledger.total.sent + ledger.total.extra)


def disagreement(run: Run, ledger: ArrivalLedger) -> str:
    """One line where the bundled stack counted otherwise; others may have guests of their own."""
    count = of(run, ledger)
    if count is None or count.agrees or run.killed or run.lost or not run.manifest.bundled:
        return ""
    bounds = f"{count.out:,}" if count.answered == count.out else f"{count.answered:,} to {count.out:,}"
    return f"{count.source} counted {count.counted:,} calls, the ledger says {bounds} (sent + extra)"
