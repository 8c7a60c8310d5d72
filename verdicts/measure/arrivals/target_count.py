"""The target's own count of our calls against the ledger: count = sent + extra.

Counted are POSTs: closing a session is none, nor is a standing stream but in the modern era.
A call that ended without an answer may or may not have reached the target, so the count must lie
between the calls that were answered and all that went out; when every call was answered that is exact.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from common.mcp_versions import MODERN
from verdicts.measure.arrivals.ledger import ArrivalLedger
from verdicts.run.reading import Mask, Run

COUNTER: Final = "mcpist_requests_total"
CLOSING: Final = "close session"
STREAM: Final = "standing stream"


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
    beside = _no_posts(run)
    answered = run.out & (run.samples["status"] > 0) & ~beside
    out = ledger.total.sent + ledger.total.extra - int(beside.sum())
    return Count(source, round(counted), int(answered.sum()), out)


def _no_posts(run: Run) -> Mask:
    """Calls that went out as another method of HTTP."""
    legacy = {one["name"] for one in run.scenario.get("groups", ()) if run.spoken(one) != MODERN}
    return run.out & (run.of_tools({CLOSING}) | run.of_tools({STREAM}) & run.of_groups(legacy))


def disagreement(run: Run, ledger: ArrivalLedger) -> str:
    """One line where the bundled stack counted otherwise; others may have guests of their own."""
    count = of(run, ledger)
    if count is None or count.agrees or run.lost or not run.manifest.bundled:
        return ""
    bounds = f"{count.out:,}" if count.answered == count.out else f"{count.answered:,} to {count.out:,}"
    return f"{count.source} counted {count.counted:,} calls, the ledger says {bounds} (sent + extra)"
