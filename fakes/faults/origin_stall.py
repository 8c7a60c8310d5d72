"""`origin-stall`: an origin takes requests and does nothing with them until the fault is lifted."""

from __future__ import annotations

from typing import Final

from fakes.faults.fault import ORIGINS, FaultKind

FAULT: Final = FaultKind(
    name="origin-stall",
    owner="origin",
    observed="requests held",
    targets=ORIGINS,
)
