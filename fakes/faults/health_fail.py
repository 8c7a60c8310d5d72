"""`health-fail`: an origin's health check fails; it still serves."""

from __future__ import annotations

from typing import Final

from fakes.faults.fault import ORIGINS, FaultKind

FAULT: Final = FaultKind(
    name="health-fail",
    owner="origin",
    observed="health checks failed",
    targets=ORIGINS,
)
