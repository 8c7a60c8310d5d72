"""`db-idle-transaction`: clients touch every account's credits, leave it open and say nothing."""

from __future__ import annotations

from typing import Final

from fakes.faults.fault import FaultKind, Parameter

FAULT: Final = FaultKind(
    name="db-idle-transaction",
    owner="stack",
    observed="transactions open, says the server",
    params={"connections": Parameter(1, 1000, whole=True)},
)
